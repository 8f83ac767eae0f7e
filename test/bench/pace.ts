/** Calls at a steady rate, whoever waits for what; and what can be said of their answers. */

/** What the called plugin answers. */
export interface Numbered {
  /** One more than the call before, whoever called. */
  readonly n: number;
  /** Milliseconds that the plugin itself took to activate. */
  readonly activation: number;
}

/** What a caller has seen: by its calls in order. */
export interface Paced {
  /** Answers; -1 where there was none. */
  readonly numbers: readonly number[];
  /** Milliseconds; 0 where there was no answer. */
  readonly latencies: readonly number[];
  /** Codes of errors. */
  readonly problems: readonly string[];
  /** The longest activation that an answer told of. */
  readonly activation: number;
}

/**
 * Starts to call. A call that waits holds up none of the next ones, and calls that a busy thread is late with are made
 * up for. Answers how to stop, which resolves when every call has settled. Reaches guests as text, so it uses
 * nothing but its arguments.
 */
export function pace(call: () => Promise<Numbered>, perSecond: number): () => Promise<Paced> {
  const numbers: number[] = [];
  const latencies: number[] = [];
  const problems: string[] = [];
  const calls: Promise<void>[] = [];
  let activation = 0;
  let timer: ReturnType<typeof setTimeout>;
  const make = async (at: number) => {
    numbers[at] = -1;
    latencies[at] = 0;
    const started = performance.now();
    try {
      const answer = await call();
      latencies[at] = performance.now() - started;
      numbers[at] = answer.n;
      activation = Math.max(activation, answer.activation);
    } catch (error) {
      problems.push(String((error as { readonly code?: string }).code ?? error));
    }
  };
  const started = performance.now();
  const tick = () => {
    const due = Math.floor(((performance.now() - started) * perSecond) / 1_000);
    while (calls.length < due) calls.push(make(calls.length));
    timer = setTimeout(tick, 1);
  };
  tick();
  return async () => {
    clearTimeout(timer);
    await Promise.all(calls);
    return { numbers, latencies, problems, activation };
  };
}

/** What went wrong with numbers that everybody should have got once and in order. */
export interface Faults {
  readonly calls: number;
  /** Calls that were answered with an error. */
  readonly failed: number;
  /** Numbers that nobody got. */
  readonly lost: number;
  /** Answers with a number that somebody else had got. */
  readonly duplicated: number;
  /** Answers with a number below the caller's one before. */
  readonly reordered: number;
  /** How often each error came. */
  readonly problems: ReadonlyMap<string, number>;
}

/**
 * @param callers what each caller has seen, in the order of its calls.
 * @param last the number that was given out last, to nobody of the callers.
 */
export function faultsOf(callers: readonly (readonly Paced[])[], last: number): Faults {
  const given = new Set<number>();
  const problems = new Map<string, number>();
  let calls = 0;
  let answered = 0;
  let reordered = 0;
  for (const seen of callers) {
    let before = 0;
    for (const n of seen.flatMap(({ numbers }) => numbers)) {
      calls += 1;
      if (n === -1) continue;
      answered += 1;
      if (n < before) reordered += 1;
      before = n;
      given.add(n);
    }
    for (const problem of seen.flatMap((one) => one.problems)) problems.set(problem, (problems.get(problem) ?? 0) + 1);
  }
  let lost = 0;
  for (let n = 1; n < last; n++) if (!given.has(n)) lost += 1;
  return { calls, failed: calls - answered, lost, duplicated: answered - given.size, reordered, problems };
}
