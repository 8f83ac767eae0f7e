/**
 * Ten thousand plugins that wait for activation: their manifests and dependencies, the same every
 * time. It uses no runtime API, so that a page can create them too.
 */
import type { PackageInput } from '@plinth/kernel';

export const MANY = 10_000;
/** Dependencies of all of them together. */
export const EDGES = 30_000;

/** A manifest as its author writes it. */
export type ManifestObject = Extract<PackageInput['manifest'], { readonly id: string }>;

const SUBJECTS = [
  'markdown',
  'calendar',
  'invoice',
  'terminal',
  'spelling',
  'diagram',
  'weather',
  'gallery',
] as const;
const MANNERS = [
  'export',
  'preview',
  'import',
  'search',
  'checker',
  'theme',
  'sync',
  'editor',
  'outline',
  'report',
] as const;
/**
 * Coprime to MANY, so that its multiples are a permutation: neither names nor folders reveal the
 * order.
 */
const STRIDE = 7_919;

/** The id of the nth plugin. It depends only on plugins with lower numbers. */
export function idAt(n: number): string {
  return `com.example.${SUBJECTS[n % SUBJECTS.length]}.p${String((n * STRIDE) % MANY).padStart(5, '0')}`;
}

/**
 * Manifests of the first plugins, which have no dependencies. Each starts when its command is
 * called. About 700 bytes as text.
 */
export function sleepers(howMany: number): readonly ManifestObject[] {
  const random = numbers();
  return Array.from({ length: howMany }, (_, n) => sleeper(n, below(n, random)));
}

/** The text of `plugin.json`. */
export function manifestText(manifest: ManifestObject): string {
  return `${JSON.stringify(manifest, undefined, 1)}\n`;
}

function sleeper(n: number, dependencies: ReadonlySet<number>): ManifestObject {
  const id = idAt(n);
  const subject = SUBJECTS[n % SUBJECTS.length] as string;
  const manner = MANNERS[n % MANNERS.length] as string;
  return {
    id,
    name: `${subject} ${manner} ${n}`,
    version: `1.${n % 10}.${n % 100}`,
    description: `Adds ${manner} of every ${subject} to the workspace.`,
    license: 'MIT',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    dependencies: Object.fromEntries([...dependencies].map((other) => [idAt(other), '^1.0.0'])),
    provides: [`${id}@1`],
    activation: [`command:${id}:run`],
    permissions: { storage: { read: true, write: true } },
    contributes: { commands: [{ id: 'run', title: `Run the ${subject} ${manner}` }] },
    tags: [subject, manner],
  };
}

/**
 * Three plugins before the nth. The first three have fewer before them, so six others have one
 * more.
 */
function below(n: number, random: (limit: number) => number): ReadonlySet<number> {
  const chosen = new Set<number>();
  const howMany = n > 3 && n < 10 ? 4 : Math.min(n, 3);
  while (chosen.size < howMany) chosen.add(random(n));
  return chosen;
}

/** Pseudo-random whole numbers below a limit, the same every time. */
function numbers(): (limit: number) => number {
  let state = 1;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
