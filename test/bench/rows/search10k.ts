/**
 * Searches among ten thousand installed plugins that find none, one or many. Every search has its
 * own words where possible, and one kind ends inside a word. Compared with a scan of texts built in
 * advance.
 */
import { createKernel, type Kernel, packageSource } from '@plinth/kernel';
import { idAt, MANY, type ManifestObject, sleepers } from '../many.ts';
import { milliseconds, type Outcomes } from '../outcome.ts';
import type { Bench } from '../platform.ts';
import { medianOf, sideBySide, timeOf } from '../statistics.ts';

/** Searches of a kind in a round, timed together: a page's clock has steps of 100 µs. */
const GROUP = 50;

/** Searches of one kind. */
interface Kind {
  readonly name: string;
  readonly text: (n: number) => string;
}

const KINDS: readonly Kind[] = [
  { name: 'no match', text: (n) => `absent${n}` },
  { name: 'one by id', text: (n) => idAt((n * 131) % MANY) },
  { name: 'one by name', text: (n) => `Gallery ${8 * ((n * 131) % 1_000) + 7_007}` },
  { name: 'two words', text: () => 'diagram preview' },
  { name: 'inside a word', text: () => 'alend eport' },
  { name: 'a tenth', text: () => 'outline' },
  { name: 'an eighth', text: () => 'markdown' },
];
/** Matches all plugins. There is no goal, because listing all takes as long without any word. */
const ALL: Kind = { name: 'all', text: () => 'workspace' };

export async function measureSearch10k({ rounds }: Bench): Promise<Outcomes> {
  const manifests = sleepers(MANY);
  const kernel = await createKernel({
    sources: [packageSource(manifests.map((manifest) => ({ manifest })))],
  });
  await kernel.start();
  const scan = scanOf(manifests);
  const first = await timeOf(async () => kernel.plugins.search('first words'));
  const outcomes: {
    readonly kind: Kind;
    readonly times: readonly number[];
    readonly scans: readonly number[];
    readonly found: number;
  }[] = [];
  for (const kind of [...KINDS, ALL]) {
    const found = checkKind(kind, kernel, scan);
    const search = (text: string) => kernel.plugins.search(text).length;
    let made = 0;
    const perSearch = async (way: (text: string) => number) => {
      const from = made;
      made += GROUP;
      const texts = Array.from({ length: GROUP }, (_, n) => kind.text(from + n));
      return (await timeOf(async () => texts.forEach(way))) / GROUP;
    };
    await perSearch(search);
    const times = await sideBySide(
      rounds,
      () => perSearch(search),
      () => perSearch((text) => scan(text).length),
    );
    outcomes.push({ kind, times: times.plinth, scans: times.raw, found });
  }
  await kernel.stop();
  const inWords = ({ kind, times, scans, found }: (typeof outcomes)[number]) =>
    `${kind.name} (${found}) ${milliseconds(medianOf(times))}, bare scan ${milliseconds(medianOf(scans))}`;
  const matchingAll = outcomes.pop() as (typeof outcomes)[number];
  const worst = outcomes.reduce((one, other) =>
    medianOf(other.times) > medianOf(one.times) ? other : one,
  );
  return {
    search: {
      value: medianOf(worst.times),
      rounds: worst.times,
      detail: `${outcomes.map(inWords).join('; ')}; the first of all ${milliseconds(first)}`,
    },
    all: {
      value: medianOf(matchingAll.times),
      rounds: matchingAll.times,
      detail: inWords(matchingAll),
    },
  };
}

/** The definition of a search: ids of plugins whose text contains every word. */
function scanOf(manifests: readonly ManifestObject[]): (text: string) => readonly string[] {
  const texts = manifests.map(({ id, name, description, tags = [] }) => ({
    id,
    text: [id, name, description, ...tags].join(' ').toLowerCase(),
  }));
  return (text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return texts.flatMap((one) => (words.every((word) => one.text.includes(word)) ? [one.id] : []));
  };
}

/** Returns how many plugins the first search of a kind finds; a few more must match the scan. */
function checkKind(
  { name, text }: Kind,
  kernel: Kernel,
  scan: (text: string) => readonly string[],
): number {
  for (let n = 0; n < 10; n++) {
    const found = kernel.plugins.search(text(n)).map(({ id }) => id);
    const expected = scan(text(n));
    if (found.length !== expected.length || !expected.every((id, at) => found[at] === id))
      throw new Error(`a search for ${name} found ${found.length}, the scan ${expected.length}`);
  }
  return scan(text(0)).length;
}
