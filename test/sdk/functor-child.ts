/**
 * Evaluates all cases as functors in hardened JavaScript, as a guest behind a wall does, and prints
 * what they export.
 */
import 'ses';
import { toFunctor } from '@plinth/sdk/pack';
import { same, shown } from './functor-cases.ts';

interface Hardened {
  lockdown(options: object): void;
  readonly Compartment: new (options: object) => { evaluate(text: string): unknown };
}

const functors = same.map(([what, code]) => [what, toFunctor(code, 'test')] as const);
const { lockdown, Compartment } = globalThis as unknown as Hardened;
lockdown({ errorTaming: 'unsafe', overrideTaming: 'severe', reporting: 'none' });
const results: [what: string, shown: string][] = [];
for (const [what, functor] of functors) {
  const exports: { default?: unknown } = {};
  try {
    await (
      new Compartment({ __options__: true }).evaluate(
        `(function(){"use strict";return ${functor}\n})`,
      ) as () => (exports: object) => Promise<void>
    )()(exports);
    results.push([what, await shown(exports.default)]);
  } catch (error) {
    results.push([what, String(error)]);
  }
}
process.stdout.write(JSON.stringify(results));
