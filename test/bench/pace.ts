/** Calls at a steady rate, regardless of their answers; and an evaluation of the answers. */

/** The answer of the called plugin. */
export interface Numbered {
  /** One more than in the call before, from any caller. */
  readonly n: number;
}

/** What a caller saw, in the order of its calls. */
export interface Paced {
  /** Answers; -1 where there was none. */
  readonly numbers: readonly number[];
  /** Milliseconds; 0 where there was no answer. */
  readonly latencies: readonly number[];
  /** Codes of errors. */
  readonly problems: readonly string[];
}

/**
 * Starts to call at a rate. A waiting call doesn't delay the next ones, and calls missed while the
 * thread was busy are made later. Returns a function that stops, which resolves when every call has
 * settled. It is passed to guests as text, so it uses only its arguments.
 */
export function pace(call: () => Promise<Numbered>, perSecond: number): () => Promise<Paced> {
  const numbers: number[] = [];
  const latencies: number[] = [];
  const problems: string[] = [];
  const calls: Promise<void>[] = [];
  let timer: ReturnType<typeof setTimeout>;
  // A call counts from the moment when it was due, so that a busy thread can't hide its own delay.
  const make = async (at: number) => {
    numbers[at] = -1;
    latencies[at] = 0;
    const due = started + (at * 1_000) / perSecond;
    try {
      const answer = await call();
      latencies[at] = performance.now() - due;
      numbers[at] = answer.n;
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
    return { numbers, latencies, problems };
  };
}

/** Faults in the numbers, each of which should have been received once and in order. */
export interface Faults {
  readonly calls: number;
  /** Calls that were answered with an error. */
  readonly failed: number;
  /** Numbers that no caller got. */
  readonly lost: number;
  /** Answers with a number that another caller had got. */
  readonly duplicated: number;
  /** Answers with a number below the same caller's previous one. */
  readonly reordered: number;
  /** How often each error occurred. */
  readonly problems: ReadonlyMap<string, number>;
}

/**
 * @param callers what each caller saw, in the order of its calls.
 * @param last the number that was given out last, not to one of the callers.
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
    for (const problem of seen.flatMap((one) => one.problems))
      problems.set(problem, (problems.get(problem) ?? 0) + 1);
  }
  let lost = 0;
  for (let n = 1; n < last; n++) if (!given.has(n)) lost += 1;
  return {
    calls,
    failed: calls - answered,
    lost,
    duplicated: answered - given.size,
    reordered,
    problems,
  };
}
