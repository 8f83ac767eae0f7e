/** Questions to the user, one dialog at a time. Each has a deadline of its own. */
import { Observable } from './observable.ts';

/** What a dialog shows. */
export interface Question {
  /** Another one for each question, also for one that is asked twice. */
  readonly key: number;
  readonly title: string;
  /** The id of the plugin. Its name is its own text, and may be any. */
  readonly plugin: string;
  readonly lines: readonly string[];
  /** What the plugin says of it. It is the plugin's text, and shown as such. */
  readonly says?: string;
  readonly choices: readonly string[];
}

/** Milliseconds for which a dialog waits for its user. */
const DEADLINE = 120_000;

/**
 * Milliseconds for which a dialog takes no choice: a press that was meant for the dialog before would
 * be an answer to what its user hasn't read.
 */
export const PAUSE = 500;

/** Owns the questions that wait. */
export class Questions {
  /** The question that is shown. */
  readonly current = new Observable<Question | undefined>(undefined);
  readonly #waiting: Question[] = [];
  #count = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the current question was shown. */
  #since = 0;
  readonly #answers = new Map<Question, (answer: number | null) => void>();

  /**
   * Answers the place of the choice, or null for a dialog that was closed. `signal` says that the
   * answer is of no use any more.
   */
  ask(question: Omit<Question, 'key'>, signal?: AbortSignal): Promise<number | null> {
    if (signal?.aborted === true) return Promise.resolve(null);
    const asked = { ...question, key: ++this.#count };
    const { promise, resolve } = Promise.withResolvers<number | null>();
    this.#answers.set(asked, resolve);
    this.#waiting.push(asked);
    const close = () => this.answer(asked, null);
    signal?.addEventListener('abort', close, { once: true });
    this.#next();
    return promise.finally(() => signal?.removeEventListener('abort', close));
  }

  /** Ends a question. What is answered already stays as it is, and a choice may come too early. */
  answer(question: Question, answer: number | null): void {
    const resolve = this.#answers.get(question);
    if (resolve === undefined) return;
    if (answer !== null && performance.now() - this.#since < PAUSE) return;
    this.#answers.delete(question);
    if (this.current.value === question) {
      clearTimeout(this.#timer);
      this.current.set(undefined);
    } else this.#waiting.splice(this.#waiting.indexOf(question), 1);
    resolve(answer);
    this.#next();
  }

  /** Closes all of them. */
  close(): void {
    for (const question of [...this.#answers.keys()].reverse()) this.answer(question, null);
  }

  #next(): void {
    if (this.current.value !== undefined) return;
    const question = this.#waiting.shift();
    if (question === undefined) return;
    this.#since = performance.now();
    this.current.set(question);
    // The time runs from when the question is seen.
    this.#timer = setTimeout(() => this.answer(question, null), DEADLINE);
  }
}
