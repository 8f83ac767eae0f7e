/**
 * Looks for the smallest set of plugins with which a fault is there, by halving. It decides nothing
 * about plugins: it asks whether the fault is there while some of them are on.
 */

/** A plugin that may be at fault. */
export interface Suspect {
  readonly name: string;
  /** Names of the suspects that it needs. */
  readonly needs: readonly string[];
}

/** Whether the fault is there while these are on. `again` asks, even if it was asked before. */
export type Ask = (on: ReadonlySet<string>, again?: boolean) => Promise<boolean>;

/** What was found. */
export interface Found {
  /** `flickers` where a state was answered otherwise when it was asked again. */
  readonly what: 'none' | 'host' | 'plugins' | 'flickers';
  readonly plugins: readonly string[];
  /** Whether the fault is also there without the first of them. */
  readonly more: boolean;
}

/**
 * Finds a minimal set. Each member takes about log₂ of the number of suspects. A set is asked with
 * all that its members need.
 *
 * @param suspects each after those that it needs.
 */
export async function search(suspects: readonly Suspect[], ask: Ask): Promise<Found> {
  const whole = (names: Iterable<string>) => withNeeds(suspects, names);
  const first = (count: number) => suspects.slice(0, count).map(({ name }) => name);
  if (!(await ask(whole(first(suspects.length))))) return found('none');
  if (await ask(new Set())) return found('host');
  const known: string[] = [];
  let high = suspects.length;
  while (known.length === 0 || !(await ask(whole(known)))) {
    // With the first `low` and what is known the fault is not there, with the first `high` it is.
    let low = 0;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (await ask(whole([...first(middle), ...known]))) high = middle;
      else low = middle;
    }
    const { name } = suspects[high - 1] as Suspect;
    if (known.includes(name)) return found('flickers', known);
    known.push(name);
  }
  if (!(await isConfirmed(known, ask, whole))) return found('flickers', known);
  const rest = new Set(first(suspects.length));
  for (const name of withDependants(suspects, known[0] as string)) rest.delete(name);
  return found('plugins', known, await ask(rest));
}

const found = (what: Found['what'], plugins: readonly string[] = [], more = false): Found => ({
  what,
  plugins,
  more,
});

/** Whether the fault is there with all members, and isn't without any one of them. */
async function isConfirmed(
  known: readonly string[],
  ask: Ask,
  whole: (names: Iterable<string>) => ReadonlySet<string>,
): Promise<boolean> {
  if (!(await ask(whole(known), true))) return false;
  for (const name of known) {
    const others = whole(known.filter((other) => other !== name));
    // Where another member needs it, it can't be left out.
    if (!others.has(name) && (await ask(others, true))) return false;
  }
  return true;
}

function withNeeds(suspects: readonly Suspect[], names: Iterable<string>): ReadonlySet<string> {
  const on = new Set(names);
  // What a plugin needs comes before it.
  for (const { name, needs } of [...suspects].reverse())
    if (on.has(name)) for (const need of needs) on.add(need);
  return on;
}

function withDependants(suspects: readonly Suspect[], name: string): ReadonlySet<string> {
  const off = new Set([name]);
  for (const one of suspects) if (one.needs.some((need) => off.has(need))) off.add(one.name);
  return off;
}
