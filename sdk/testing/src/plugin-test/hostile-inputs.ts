/** Inputs that no author expects: wrong, huge and odd ones. The same for the same seed. */
import { corrupted } from '../faults/corrupt.js';
import { randomOf } from '../random.js';

/** Damaged copies of each sample. */
const COPIES = 8;

/** The inputs for one command. */
export function hostileInputs(samples: readonly unknown[], seed: number): readonly unknown[] {
  const random = randomOf(seed);
  const damaged = samples.flatMap((sample) =>
    Array.from({ length: COPIES }, () => corrupted(sample, random)),
  );
  return [...odd(), ...huge(), ...damaged];
}

function odd(): readonly unknown[] {
  return [
    undefined,
    null,
    true,
    0,
    -0,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    10n ** 30n,
    '',
    ' ',
    '\0',
    '\ud800',
    '__proto__',
    'constructor',
    '../../etc/passwd',
    "'; DROP TABLE notes; --",
    '<script>alert(1)</script>',
    '%00%2e%2e%2f',
    '𝒾\u202e\u200b',
    [],
    [[], {}, null],
    {},
    JSON.parse('{ "__proto__": { "polluted": true } }'),
    { constructor: { prototype: { polluted: true } } },
    { length: -1 },
    JSON.parse('{ "toString": 1, "valueOf": 2, "then": 3 }'),
    new Date(Number.NaN),
    new Map([['key', new Map()]]),
    new Set([undefined]),
    /(a+)+$/,
    new Uint8Array(16),
    new Error('an error as an input'),
  ];
}

function huge(): readonly unknown[] {
  let deep: unknown = 'bottom';
  for (let level = 0; level < 40; level += 1) deep = { deep };
  return [
    'x'.repeat(100_000),
    Array.from({ length: 5_000 }, (_, index) => index),
    Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`key${index}`, index])),
    new Uint8Array(200_000),
    deep,
  ];
}
