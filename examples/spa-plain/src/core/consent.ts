/** Asks the user what a plugin may do: while it runs, and before an update that may do more. */
import type { PermissionAnswer, PermissionHandler, PermissionRequest } from '@plinth/host-browser';
import type { Questions } from './questions.ts';

/** Milliseconds for which "once" holds. */
const ONCE = 60_000;

/** Rights in the words of this page. All others are shown by their names. */
const WORDS: Readonly<Record<string, string>> = {
  'commands.execute com.example.notebook:list': 'Read all of your notes',
  'storage.read': 'Read what it has kept on this device',
  'storage.write': 'Keep data on this device',
  'storage.quota': 'Keep more data than before',
};

const wordsOf = ({ permissions }: PermissionRequest): string[] =>
  Object.entries(permissions).flatMap(([right, scopes]) =>
    scopes.map((scope) => WORDS[`${right} ${scope}`] ?? WORDS[right] ?? `${right}: ${scope}`),
  );

/** Answers for `kernel.permissions.onRequest`. */
export function consentBy(
  questions: Questions,
  nameOf: (plugin: string) => string,
): PermissionHandler {
  const answers = new Map<string, Promise<PermissionAnswer>>();
  const ask = async (request: PermissionRequest): Promise<PermissionAnswer> => {
    const name = nameOf(request.plugin);
    const common = {
      lines: wordsOf(request),
      ...(request.why !== undefined && { says: request.why }),
    };
    if (request.reason !== 'request') {
      const title = `${name} ${request.version} wants to do more than the version before`;
      return (
        (await questions.ask({ ...common, title, choices: ['Cancel', 'Allow and update'] })) === 1
      );
    }
    const title = `${name} asks for your permission`;
    // The first one has the focus: Enter, pressed for something else, allows nothing.
    const choices = ['Don’t allow', 'Allow once', 'Always allow'];
    const answer = await questions.ask({ ...common, title, choices });
    return answer === 1 ? { for: ONCE } : answer === 2;
  };
  return (request) => {
    const { plugin, reason, permissions } = request;
    const key = JSON.stringify([plugin, reason, permissions]);
    // A plugin that asks again while the dialog is open waits for the same answer.
    const answer = answers.get(key) ?? ask(request);
    answers.set(key, answer);
    // A no to a running plugin is remembered until the page is loaded again.
    void answer.then((given) => {
      if (given !== false || reason !== 'request') answers.delete(key);
    });
    return answer;
  };
}
