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
  const ask = async (request: PermissionRequest, signal?: AbortSignal) => {
    const { plugin, reason, version, why } = request;
    const running = reason === 'request';
    const wants = running ? 'asks for your permission' : `${version} wants to do more than before`;
    // The first choice has the focus: Enter, pressed for something else, allows nothing.
    const choices = running ? ['Don’t allow', 'Allow once', 'Always allow'] : ['Cancel', 'Update'];
    const title = `${nameOf(plugin)} ${wants}`;
    const says = why === undefined ? {} : { says: why };
    const question = { title, plugin, lines: wordsOf(request), choices, ...says };
    const answer = await questions.ask(question, signal);
    return running && answer === 1 ? { for: ONCE } : answer === choices.length - 1;
  };
  return (request, question?: { readonly signal: AbortSignal }) => {
    const { plugin, reason, permissions } = request;
    if (reason !== 'request') return ask(request, question?.signal);
    const key = JSON.stringify([plugin, permissions]);
    // A plugin that asks again while the dialog is open waits for the same answer. A no is
    // remembered until the page is loaded again.
    const answer = answers.get(key) ?? ask(request, question?.signal);
    answers.set(key, answer);
    void answer.then((given) => given !== false && answers.delete(key));
    return answer;
  };
}
