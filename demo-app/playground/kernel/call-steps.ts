/** What each part of one call takes: each middleware without the next one, and the handler. */

/** One middleware that a call has entered. */
export interface Step {
  /** As errors name it. */
  readonly name: string;
  /** Plugin id, or `host`. */
  readonly owner: string;
  /** Milliseconds from its start to its end. */
  readonly took: number;
  /** The part of it that is its own: without the middleware inside of it, and the handler. */
  readonly alone: number;
  readonly ok: boolean;
}

/** A middleware while it runs. */
export interface OpenStep {
  leave(now: number, ok: boolean): void;
}

/** What is known of a call when it has ended. */
export interface Parts {
  readonly steps?: readonly Step[];
  /** Milliseconds inside of all middleware. Absent where a call has not come that far. */
  readonly handler?: number;
  /** Whether the inside has answered. */
  readonly answered?: boolean;
}

/** Middleware of one call that is told apart. Further ones count as part of the last one. */
const MOST_STEPS = 32;

interface Timed {
  readonly name: string;
  readonly owner: string;
  readonly started: number;
  ended: number | undefined;
  ok: boolean;
}

/** Owns the times of one call. All are milliseconds of `performance.now()`. */
export class CallSteps {
  readonly #steps: Timed[] = [];
  #spent = 0;
  #since: number | undefined;
  #reached = false;
  #passed = true;

  /** A middleware starts. Those that start later are inside of it. */
  enter({ name, owner }: Pick<Step, 'name' | 'owner'>, now: number): OpenStep | undefined {
    if (this.#steps.length >= MOST_STEPS) return undefined;
    const step: Timed = { name, owner, started: now, ended: undefined, ok: true };
    this.#steps.push(step);
    return {
      leave: (end, ok) => {
        step.ended = end;
        step.ok = ok;
      },
    };
  }

  /** The inside of all middleware is reached. It may be, several times. */
  reach(now: number): void {
    this.#reached = true;
    this.#since = now;
  }

  /** @param ok whether the inside has answered. The last time counts. */
  depart(now: number, ok: boolean): void {
    this.#passed = ok;
    this.#stop(now);
  }

  #stop(now: number): void {
    if (this.#since !== undefined) this.#spent += now - this.#since;
    this.#since = undefined;
  }

  /** The call has ended, maybe before its inside and its middleware tell their own end. */
  ended(now: number): Parts {
    // An inside that hasn't told its end says nothing beside the call's own.
    const answered = this.#since === undefined ? this.#passed : undefined;
    this.#stop(now);
    const times = this.#steps.map(({ started, ended = now }) => Math.max(ended - started, 0));
    const steps = this.#steps.map(({ name, owner, ok }, index): Step => {
      const took = times[index] as number;
      const inner = times[index + 1] ?? (this.#reached ? this.#spent : 0);
      return { name, owner, took, alone: Math.max(took - inner, 0), ok };
    });
    return {
      ...(steps.length > 0 && { steps }),
      ...(this.#reached && { handler: this.#spent }),
      ...(this.#reached && answered !== undefined && { answered }),
    };
  }
}
