/**
 * One caller of the soak. The same text runs in the host and, as text, inside plugins: it uses only
 * its arguments. It records what it has sent and the outcome of each call; violations go to
 * `wrong`.
 */

/** The operations of a caller; `kernel` and `ctx` both have them. */
export interface Surface {
  execute(id: string, input: unknown, options: CallerOptions): Promise<unknown>;
  emit(topic: string, payload: unknown): Promise<void>;
  ask(
    mode: 'collect' | 'first' | 'waterfall',
    id: string,
    input: unknown,
    options: CallerOptions,
  ): Promise<unknown>;
  send(plugin: string, message: unknown, options: CallerOptions): Promise<unknown>;
  route(message: unknown, options: CallerOptions): Promise<unknown>;
}

/** Options of a call; `user` and `baggage` are for the host. */
export interface CallerOptions {
  readonly timeout: number;
  readonly signal?: AbortSignal;
  readonly user?: string;
  readonly baggage?: Readonly<Record<string, string>>;
}

/** What a caller has to do. */
export interface Assignment {
  readonly caller: string;
  readonly isHost: boolean;
  readonly seed: number;
  readonly ops: number;
  /** Operations at the same time. */
  readonly width: number;
  /** Milliseconds for calls that should be answered. */
  readonly plenty: number;
  /** Milliseconds that a call may settle after its deadline. */
  readonly tolerance: number;
  /** Codes with which a call may fail, by operation and target; see `codes` in `soak.ts`. */
  readonly expected: Readonly<Record<string, readonly string[]>>;
}

/** The outcomes of all calls of one command. */
export interface Tally {
  sent: number;
  answered: number;
  cancelled: number;
  failed: Record<string, number>;
}

/** The figures of one caller. */
export interface Books {
  readonly caller: string;
  readonly ops: number;
  readonly tallies: Record<string, Tally>;
  /** Ticks that were emitted, and how often each hook was asked. */
  readonly ticks: number;
  readonly asked: number;
  /** Numbers that storage has returned, by plugin. */
  readonly numbers: Record<string, number[]>;
  readonly latest: number;
  readonly wrong: string[];
}

/** Runs its assignment. */
export async function drive(
  surface: Surface,
  { caller, isHost, seed, ops, width, plenty, tolerance, expected }: Assignment,
): Promise<Books> {
  const tallies: Record<string, Tally> = {};
  const numbers: Record<string, number[]> = {};
  const serials: Record<string, number> = {};
  const wrong: string[] = [];
  const sequences: Record<string, number> = {};
  let done = 0;
  let ticks = 0;
  let asked = 0;
  let nonce = 0;
  let latest = 0;
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (n: number): number => Math.floor(random() * n);
  const oneOf = <T>(all: readonly T[]): T => all[below(all.length)] as T;
  const complain = (what: string): void => {
    if (wrong.length < 30) wrong.push(`${caller}: ${what}`);
  };

  /**
   * Records one call. Resolves to its answer, or to undefined when it failed in a permitted way.
   */
  const book = async (
    key: string,
    kind: string,
    timeout: number,
    run: () => Promise<unknown>,
  ): Promise<{ readonly value: unknown } | undefined> => {
    tallies[key] ??= { sent: 0, answered: 0, cancelled: 0, failed: {} };
    const tally = tallies[key];
    tally.sent += 1;
    let settled = 0;
    const started = performance.now();
    const outcome = run().then(
      (value) => {
        settled += 1;
        tally.answered += 1;
        return { value };
      },
      (error: { readonly code?: string; readonly message?: string }) => {
        settled += 1;
        const code = String(error?.code ?? 'thrown');
        if (code === 'call/cancelled') tally.cancelled += 1;
        else tally.failed[code] = (tally.failed[code] ?? 0) + 1;
        if (!(expected[kind] ?? []).includes(code))
          complain(`${key} (${kind}) failed with ${code}: ${error?.message}`);
        return undefined;
      },
    );
    let alarm: ReturnType<typeof setTimeout> | undefined;
    const lost = new Promise<undefined>((resolve) => {
      alarm = setTimeout(() => {
        complain(`lost: ${key} has not settled ${timeout + tolerance} ms after it was sent`);
        resolve(undefined);
      }, timeout + tolerance);
    });
    const result = await Promise.race([outcome, lost]);
    clearTimeout(alarm);
    if (settled > 1) complain(`${key} settled ${settled} times`);
    latest = Math.max(latest, performance.now() - started - timeout);
    return result;
  };
  const call = (id: string, kind: string, input: unknown, options: Partial<CallerOptions> = {}) => {
    const timeout = options.timeout ?? plenty;
    return book(id, kind, timeout, () => surface.execute(id, input, { ...options, timeout }));
  };
  const must = (right: boolean, what: string, value: unknown): void => {
    if (!right) complain(`${what}: ${JSON.stringify(value)}`);
  };
  /** Whether the call may meet this plugin's end or change. */
  const kindOf = (name: string, what: string): string =>
    `${name === 'm' ? 'mortal' : 'lasting'} ${what}`;
  const target = (): string => oneOf(['a', 'b', 'm', 'n', 'm', 'n', 'z']);
  const other = (...not: readonly string[]): string =>
    oneOf(['a', 'b', 'm', 'n'].filter((name) => !not.includes(name)));

  const echo = async (): Promise<void> => {
    const name = target();
    const input = { nonce: ++nonce, caller };
    const answer = await call(`soak.${name}:echo`, kindOf(name, 'call'), input);
    if (answer !== undefined)
      must(
        JSON.stringify(answer.value) === JSON.stringify(input),
        `soak.${name}:echo gave another call's answer`,
        answer.value,
      );
  };
  /** Several in a row: the receiver knows what must come next. */
  const sequence = async (): Promise<void> => {
    const name = oneOf(['a', 'b', 'n', 'n', 'm']);
    const calls = Array.from({ length: 1 + below(4) }, async () => {
      sequences[name] = (sequences[name] ?? 0) + 1;
      const i = sequences[name];
      const answer = await call(`soak.${name}:seq`, kindOf(name, 'call'), { caller, i });
      if (answer !== undefined)
        must(answer.value === i, `soak.${name}:seq answered another number`, [answer.value, i]);
    });
    await Promise.all(calls);
  };
  const relay = async (): Promise<void> => {
    const path = [other()];
    if (random() < 0.4) path.push(other(path[0] as string));
    const leaf = other(...path);
    const input = {
      path: [...path.slice(1).map((name) => `soak.${name}:relay`), `soak.${leaf}:leaf`],
      nonce: ++nonce,
    };
    const mortal = [...path, leaf].includes('m');
    const facts = isHost ? { user: `user-${below(9)}`, baggage: { nonce: String(nonce) } } : {};
    const first = `soak.${path[0]}:relay`;
    const answer = await call(first, mortal ? 'mortal relay' : 'lasting call', input, facts);
    if (answer === undefined) return;
    const { value } = answer as {
      readonly value: {
        readonly nonce: number;
        readonly user?: string;
        readonly baggage?: string;
        readonly caller: string;
      };
    };
    const right =
      value.nonce === input.nonce &&
      value.user === facts.user &&
      value.baggage === facts.baggage?.nonce &&
      value.caller === `soak.${path.at(-1)}`;
    must(right, `${first} lost what the call carries (${JSON.stringify(facts)})`, value);
  };
  const slow = async (): Promise<void> => {
    const name = target();
    await call(`soak.${name}:slow`, kindOf(name, 'hurry'), below(12), { timeout: 1 + below(20) });
  };
  const hang = async (): Promise<void> => {
    const name = oneOf(['a', 'm', 'n']);
    const answer = await call(
      `soak.${name}:${random() < 0.5 ? 'hang' : 'spotty'}`,
      kindOf(name, 'hurry'),
      ++nonce,
      { timeout: 4 + below(30) },
    );
    if (answer !== undefined)
      must(answer.value === 'spotty', `soak.${name}:hang answered`, answer.value);
  };
  const cancel = async (): Promise<void> => {
    const name = target();
    const stop = new AbortController();
    const late = random();
    if (late < 0.7) setTimeout(() => stop.abort(), late * 10);
    const running = call(`soak.${name}:wait`, kindOf(name, 'cancel'), 8, { signal: stop.signal });
    if (late >= 0.7) stop.abort();
    await running;
  };
  const stream = async (): Promise<void> => {
    const name = oneOf(['a', 'b', 'm', 'n']);
    const length = below(40);
    const answer = await call(`soak.${name}:items`, kindOf(name, 'call'), length);
    if (answer === undefined) return;
    const stopAt = random() < 0.5 ? below(40) : Number.POSITIVE_INFINITY;
    let next = 0;
    try {
      for await (const item of answer.value as AsyncIterable<number>) {
        must(item === next, `an item of soak.${name}:items is out of order`, [item, next]);
        next += 1;
        if (next > stopAt) break;
      }
      must(next === length || next > stopAt, `soak.${name}:items ended early`, [next, length]);
    } catch (error) {
      const { code, message } = error as { readonly code?: string; readonly message?: string };
      if (!(expected[kindOf(name, 'stream')] ?? []).includes(String(code)))
        complain(`a stream of soak.${name}:items failed with ${code}: ${message}`);
    }
  };
  const emit = async (): Promise<void> => {
    const all = Array.from({ length: 1 + below(6) }, () => {
      ticks += 1;
      const payload = { source: caller, i: ticks };
      return book('emit', 'emit', plenty, () => surface.emit('soak:tick', payload));
    });
    await Promise.all(all);
  };
  const ask = async (): Promise<void> => {
    const mode = oneOf(['collect', 'first', 'waterfall'] as const);
    asked += 1;
    const answer = await book(`hook ${mode}`, 'hook', plenty, () =>
      surface.ask(mode, `soak:${mode}`, mode === 'waterfall' ? ['begin'] : ++nonce, {
        timeout: plenty,
      }),
    );
    if (answer === undefined) return;
    const { value } = answer;
    if (mode === 'first')
      return must(value === 'soak.a', 'the first answer is not the first', value);
    // The host is first, then plugins in order of discovery; only one that dies may be missing.
    const found = mode === 'collect' ? (value as string[]) : (value as string[]).slice(1);
    const all = ['host', 'soak.a', 'soak.b', 'soak.m', 'soak.n', 'soak.z'];
    const missing = all.filter((one) => !found.includes(one) && one !== 'soak.m');
    must(
      missing.length === 0 && found.join() === all.filter((one) => found.includes(one)).join(),
      `${mode} did not ask all in order`,
      found,
    );
  };
  const message = async (): Promise<void> => {
    const input = { nonce: ++nonce };
    if (random() < 0.5) {
      const name = oneOf(['a', 'm', 'n', 'host']);
      const to = name === 'host' ? 'host' : `soak.${name}`;
      const answer = await book(`${to}:onMessage`, kindOf(name, 'message'), plenty, () =>
        surface.send(to, input, { timeout: plenty }),
      );
      if (answer !== undefined)
        must(
          JSON.stringify(answer.value) === JSON.stringify({ by: to, nonce: input.nonce }),
          'a message was answered by another handler',
          answer.value,
        );
      return;
    }
    const answer = await book('plinth.message-handler:handle', 'mortal message', plenty, () =>
      surface.route(input, { timeout: plenty }),
    );
    // The handler with the highest confidence dies now and then; then the next one gets the
    // message.
    if (answer !== undefined) {
      const { by, nonce: got } = answer.value as { readonly by: string; readonly nonce: number };
      must(
        (by === 'soak.m' || by === 'soak.b') && got === input.nonce,
        'a message went to the wrong one',
        answer.value,
      );
    }
  };
  const bump = async (): Promise<void> => {
    const name = oneOf(['a', 'n', 'n', 'm', 'z']);
    const answer = await call(`soak.${name}:bump`, kindOf(name, 'call'), undefined);
    numbers[name] ??= [];
    if (answer !== undefined) numbers[name].push(answer.value as number);
  };
  const guarded = async (): Promise<void> => {
    const what = oneOf(['flaky', 'narrow', 'rated', 'cached', 'fragile', 'brittle'] as const);
    const input = { nonce: what === 'cached' ? below(4) : ++nonce };
    const name = what === 'fragile' || what === 'brittle' ? 'm' : 'n';
    const answer = await call(`soak.${name}:${what}`, what, input);
    if (answer === undefined) return;
    const { nonce: got, serial } = answer.value as {
      readonly nonce: number;
      readonly serial?: number;
    };
    must(got === input.nonce, `soak.${name}:${what} gave another answer`, answer.value);
    if (what !== 'cached' || serial === undefined) return;
    const key = String(got);
    // An earlier call may have received the same answer, never a newer one.
    if (serial < (serials[key] ?? 0))
      complain(`an old answer of soak.n:cached came back: ${serial} after ${serials[key]}`);
    serials[key] = Math.max(serials[key] ?? 0, serial);
  };

  const weights: readonly (readonly [number, () => Promise<void>])[] = [
    [20, echo],
    [14, sequence],
    [12, relay],
    [8, slow],
    [5, hang],
    [9, cancel],
    [5, stream],
    [8, emit],
    [5, ask],
    [6, message],
    [6, bump],
    [12, guarded],
  ];
  const total = weights.reduce((sum, [weight]) => sum + weight, 0);
  const pick = (): (() => Promise<void>) => {
    let at = below(total);
    for (const [weight, run] of weights) {
      if (at < weight) return run;
      at -= weight;
    }
    return echo;
  };
  const loop = async (): Promise<void> => {
    while (done < ops) {
      done += 1;
      await pick()();
      // An inline guest has answered already: let others run too.
      if (done % 16 === 0) await new Promise((turn) => setTimeout(turn));
    }
  };
  // Calls before the first pause would be nested in the call that started this.
  await null;
  await Promise.all(Array.from({ length: width }, loop));
  return { caller, ops: done, tallies, ticks, asked, numbers, latest, wrong };
}
