/** The guided tour: which step it is at, and what has happened so far. It goes on by itself. */
import type { Span } from '../kernel/trace.ts';
import { Changes } from './store.ts';
import { type Fact, ROGUE, STEPS, type Step, TOPICS } from './tour-steps.ts';

/** Facts that are kept. */
const MOST_FACTS = 500;
const KEY = 'plinth-playground-tour';
const OVER = 'over';

/** Where this browser remembers the tour. */
export interface TourMemory {
  read(): string | null;
  write(text: string): void;
}

/** A browser may forbid storage. Then each visit is the first one. */
export const browserMemory: TourMemory = {
  read() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  },
  write(text) {
    try {
      localStorage.setItem(KEY, text);
    } catch {
      // The tour works without.
    }
  },
};

/** What the tour asks of the page. */
export interface TourWorld {
  /** Whether refusals of a plugin are listed. */
  refused(plugin: string): boolean;
  /** Comparisons that have ended. */
  compared(): number;
  /** Calls a plugin other than the rogue. */
  callAnother(): void;
}

/** Owns the place of the tour. `offered`: the person at the page has not said yes or no yet. */
export class Tour {
  readonly changes = new Changes();
  readonly #memory: TourMemory;
  #world: TourWorld | undefined;
  #state: 'offered' | 'going' | 'over' = 'offered';
  #place = 0;
  #outcome: string | undefined;
  #facts: readonly Fact[] = [];
  /** When the step began. */
  #began = 0;
  #comparedBefore = 0;

  constructor(memory: TourMemory) {
    this.#memory = memory;
    const kept = memory.read();
    if (kept === OVER) this.#state = 'over';
    else if (kept !== null && /^\d$/.test(kept) && Number(kept) < STEPS.length)
      this.#go(Number(kept));
  }

  get state(): 'offered' | 'going' | 'over' {
    return this.#state;
  }

  /** From 0. It is the number of the steps when all are behind. */
  get place(): number {
    return this.#place;
  }

  get step(): Step | undefined {
    return STEPS[this.#place];
  }

  /** What has ended the step before, in words. Undefined at first, and after a skipped step. */
  get outcome(): string | undefined {
    return this.#outcome;
  }

  /** Gives it what it asks. What happens before isn't seen. */
  join(world: TourWorld): void {
    this.#world = world;
    this.#comparedBefore = world.compared();
  }

  start(): void {
    this.#outcome = undefined;
    this.#go(0);
  }

  skip(): void {
    this.#outcome = undefined;
    this.#go(this.#place + 1);
  }

  end(): void {
    this.#state = 'over';
    this.#memory.write(OVER);
    this.changes.announce();
  }

  event(topic: string, payload: unknown): void {
    if (!TOPICS.has(topic) || typeof payload !== 'object' || payload === null) return;
    const known = payload as Readonly<Record<string, unknown>>;
    this.#add({ kind: 'event', at: performance.now(), topic, payload: known });
    // While the rogue is down: the next step is about how others answer then.
    if (topic === 'plugin:crashed' && known.id === ROGUE && this.#state === 'going')
      this.#world?.callAnother();
  }

  /** A call has ended. */
  call(span: Span): void {
    if (span.kind === 'command' && span.took !== undefined)
      this.#add({ kind: 'call', at: span.started, span });
  }

  /** Looks whether the step is done. Called when something has changed that is no fact. */
  look(): void {
    const { step } = this;
    if (this.#state !== 'going' || step === undefined || this.#world === undefined) return;
    const { refused, compared } = this.#world;
    const outcome = step.done({
      facts: this.#facts,
      fresh: this.#facts.filter(({ at }) => at >= this.#began),
      compared: compared() - this.#comparedBefore,
      refused,
    });
    if (outcome === undefined) return;
    this.#outcome = outcome;
    this.#go(this.#place + 1);
  }

  #add(fact: Fact): void {
    this.#facts = [...this.#facts.slice(1 - MOST_FACTS), fact];
    this.look();
  }

  #go(place: number): void {
    this.#state = 'going';
    this.#place = place;
    this.#began = performance.now();
    this.#comparedBefore = this.#world?.compared() ?? 0;
    this.#memory.write(place < STEPS.length ? String(place) : OVER);
    this.changes.announce();
  }
}
