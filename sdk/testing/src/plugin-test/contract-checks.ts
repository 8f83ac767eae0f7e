/** Does the plugin answer what it promises, and as it promises? */
import { membersOf } from '@plinth/sdk/contract';
import { ensure, failureOf, type Run, type Subject } from './subject.js';

/** The checks of the group `contract`. */
export function contractRuns(subject: Subject): Readonly<Record<string, Run>> {
  const commands = [...new Set(subject.samples.map(([command]) => command))];
  return {
    promises: async () => {
      await using kernel = await subject.started();
      const { commands, hooks, contracts } = kernel.plugins.capabilities(subject.id);
      const answered = new Set(
        [...commands, ...hooks].filter(({ active }) => active).map(({ id }) => id),
      );
      const missing = [
        ...[...commands, ...hooks].filter(({ active }) => !active).map(({ id }) => id),
        ...subject.contracts.flatMap((contract) =>
          membersOf(contract).flatMap(([, { kind, id }]) =>
            kind === 'event' || answered.has(id) ? [] : [id],
          ),
        ),
      ];
      ensure(missing.length === 0, `it promises and doesn't answer ${missing.join(', ')}`);
      const empty = (subject.manifest.provides ?? []).filter(
        (id) => !contracts.some((one) => one.id === id && one.members.length > 0),
      );
      ensure(
        empty.length === 0,
        `its manifest provides ${empty.join(', ')}, of which it answers nothing`,
      );
      return `it answers ${answered.size} commands and hooks`;
    },
    ...Object.fromEntries(
      commands.map((command) => [`answers:${subject.short(command)}`, answers(subject, command)]),
    ),
  };
}

/** The samples of one command, after those of the commands before it. */
function answers(subject: Subject, command: string): Run {
  return async () => {
    await using kernel = await subject.started();
    const outcomes = await subject.exercise(kernel);
    const own = outcomes.filter((one) => one.command === command);
    const failure = own.map(failureOf).find((one) => one !== undefined);
    ensure(failure === undefined, failure ?? '');
    return `${own.length} samples are answered as promised`;
  };
}
