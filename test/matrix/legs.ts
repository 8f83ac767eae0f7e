/**
 * The runtimes that the suites run in, one leg each. Plain data, used by the script, the
 * configuration, the tests and the table.
 */

/**
 * How a leg is driven: vitest itself runs in the runtime, or it runs in Node and drives a browser.
 */
export type Drive = 'runtime' | 'browser';

/** One runtime. */
export interface Leg {
  readonly title: string;
  readonly drive: Drive;
  /** Milliseconds after which the whole leg is ended. */
  readonly timeout: number;
}

export const LEGS = {
  node22: { title: 'Node 22', drive: 'runtime', timeout: 1_200_000 },
  node24: { title: 'Node 24', drive: 'runtime', timeout: 1_200_000 },
  node26: { title: 'Node 26', drive: 'runtime', timeout: 1_200_000 },
  chromium: { title: 'Chromium', drive: 'browser', timeout: 1_200_000 },
  firefox: { title: 'Firefox ESR', drive: 'browser', timeout: 1_200_000 },
  webkit: { title: 'WebKitGTK', drive: 'browser', timeout: 1_200_000 },
  bun: { title: 'Bun', drive: 'runtime', timeout: 1_200_000 },
  deno: { title: 'Deno', drive: 'runtime', timeout: 1_200_000 },
} as const satisfies Record<string, Leg>;

export type LegName = keyof typeof LEGS;

export const LEG_NAMES = Object.keys(LEGS) as readonly LegName[];

/** @throws Error that names the legs there are. */
export function legOf(name: string): LegName {
  if (Object.hasOwn(LEGS, name)) return name as LegName;
  throw new Error(`there is no leg '${name}', only ${LEG_NAMES.join(', ')}`);
}
