/** Checks of the errors for what a provider does not have. */
import { type Checks, ensureDeclared, NO_SUCH } from '../check.js';
import type { Probe } from './probe.js';
import type { Query } from './rows.js';

/** Checks of unknown names. */
export function unknown(probe: Probe): Checks {
  return {
    "an unknown source fails with 'unknownSource'": async () => {
      const listed = new Set((await probe.client.sources()).map(({ id }) => id));
      for (const source of NO_SUCH)
        if (!listed.has(source))
          await ensureDeclared(probe.client.query({ source }), 'unknownSource', { source });
    },
    "an unknown column fails with 'unknownColumn', wherever it is named": async () => {
      for (const { id: source, columns } of await probe.sources()) {
        for (const column of NO_SUCH.filter((name) => !columns.some((one) => one.name === name))) {
          const wrong: readonly Partial<Query>[] = [
            { columns: [column] },
            { where: [{ column, operator: '=', value: 1 }] },
            { orderBy: [{ column }] },
          ];
          // These queries are wrong even without rows.
          for (const query of wrong)
            for (const limit of [1, 0])
              await ensureDeclared(
                probe.client.query({ source, ...query, limit }),
                'unknownColumn',
                {
                  column,
                },
              );
        }
      }
    },
  };
}
