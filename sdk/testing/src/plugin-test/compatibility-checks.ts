/** Can the plugin replace its previous version? */
import { compat } from '@plinth/sdk';
import { parseContractId } from '@plinth/sdk/contract';
import type { PluginInput } from '../plugins.js';
import { ensure, failureOf, printed, type Run, Subject, same } from './subject.js';

/** The checks of the group `compatibility`. */
export function compatibilityRuns(
  subject: Subject,
  previous: PluginInput,
): Readonly<Record<string, Run>> {
  const older = () => Subject.of(previous, subject.options);
  return {
    update: async () => {
      const before = await older();
      ensure(before.id === subject.id, `the previous version is of '${before.id}'`);
      await using kernel = await before.started();
      const broken = (await before.exercise(kernel))
        .map(failureOf)
        .find((one) => one !== undefined);
      ensure(broken === undefined, `the previous version itself fails: ${broken}`);
      const [commands, state] = [before.commands(kernel), await before.state(kernel)];
      await kernel.plugins.update(subject.id, subject.package, { consent: true });
      const now = kernel.plugins.get(subject.id);
      ensure(
        now?.state === 'active' && now.version === subject.manifest.version,
        `it is ${now?.state} in version ${now?.version} after the update`,
      );
      const after = await subject.state(kernel);
      ensure(same(state, after), `its state was ${printed(state)}, and is ${printed(after)}`);
      const lost = commands.filter((one) => !subject.commands(kernel).includes(one));
      ensure(lost.length === 0, `it doesn't answer ${lost.join(', ')} any more`);
      // Parsed by the contracts of the previous version: its callers know no others.
      const failure = (await before.exercise(kernel))
        .map(failureOf)
        .find((one) => one !== undefined);
      ensure(failure === undefined, failure ?? '');
      return `it takes over from ${before.manifest.version} with its state, and answers its callers`;
    },
    contracts: async () => {
      const before = await older();
      const found = before.contracts.flatMap((old) => {
        const base = parseContractId(old.$id)?.base;
        const next = subject.contracts.find((one) => parseContractId(one.$id)?.base === base);
        if (next === undefined) return [`${old.$id} is gone`];
        const { versioned, changes } = compat(old, next);
        return versioned
          ? []
          : changes
              .filter(({ step }) => step === 'major')
              .map(({ member, message }) => `${member}: ${message}`);
      });
      ensure(found.length === 0, `its contracts need a new major version: ${found.join('; ')}`);
      return `${before.contracts.length} contracts serve callers of the previous version`;
    },
  };
}
