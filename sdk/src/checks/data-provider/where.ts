/** Checks of the option `where`. */
import type { Checks } from '../check.js';
import type { Probe } from './probe.js';
import { isScalar, valuesOf } from './rows.js';

/** Checks of `where`. */
export function where(probe: Probe): Checks {
  return { ...comparisons(probe), ...texts(probe), ...together(probe) };
}

function comparisons(probe: Probe): Checks {
  return {
    ...Object.fromEntries(
      (['=', '!=', '<', '<=', '>', '>='] as const).map((operator) => [
        `where: ${operator}`,
        async () => {
          for (const whole of await probe.wholes()) {
            for (const { name: column } of whole.source.columns) {
              const values = valuesOf(whole.rows, column);
              const chosen = new Set(
                [values[0], values[values.length >> 1], values.at(-1)].filter(isScalar),
              );
              for (const value of chosen)
                await probe.ensureFiltered(whole, [{ column, operator, value }]);
            }
          }
        },
      ]),
    ),
    'where: in': async () => {
      for (const whole of await probe.wholes()) {
        for (const { name: column } of whole.source.columns) {
          const values = valuesOf(whole.rows, column);
          if (values.length === 0) continue;
          const some = values.filter((_, index) => index % 2 === 0).slice(0, 5);
          for (const value of [some, values.slice(-1), []])
            await probe.ensureFiltered(whole, [{ column, operator: 'in', value: [...value] }]);
        }
      }
    },
  };
}

function texts(probe: Probe): Checks {
  return {
    'where: contains': async () => {
      for (const whole of await probe.wholes()) {
        for (const { name: column } of whole.source.columns.filter(
          ({ type }) => type === 'string',
        )) {
          const texts = valuesOf(whole.rows, column).filter(
            (value) => typeof value === 'string' && value.length > 2,
          ) as string[];
          for (const text of new Set([texts[0], texts.at(-1)])) {
            if (text === undefined) continue;
            for (const value of [text.slice(1, -1), text.slice(-2), text])
              await probe.ensureFiltered(whole, [{ column, operator: 'contains', value }]);
          }
          // These are literal text, not patterns.
          for (const value of ['%', '_', '.*', '('])
            await probe.ensureFiltered(whole, [{ column, operator: 'contains', value }]);
        }
      }
    },
  };
}

function together(probe: Probe): Checks {
  return {
    'where: all conditions must hold': async () => {
      for (const whole of await probe.wholes()) {
        for (const { name: column } of whole.source.columns) {
          const values = valuesOf(whole.rows, column);
          const [low, high] = [
            values[Math.floor(values.length / 3)],
            values[Math.floor((values.length * 2) / 3)],
          ];
          if (low === undefined || high === undefined) continue;
          await probe.ensureFiltered(whole, [
            { column, operator: '>=', value: low },
            { column, operator: '<=', value: high },
          ]);
          await probe.ensureFiltered(whole, [
            { column, operator: '=', value: low },
            { column, operator: '!=', value: low },
          ]);
        }
      }
    },
  };
}
