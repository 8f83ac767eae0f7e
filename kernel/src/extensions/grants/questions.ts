/**
 * Questions to the application. A handler is asked a few at a time; the others wait, and plugins
 * take turns, so that one that asks a lot holds up no other.
 */
import { type Alarm, alarm, createError } from '@plinth/sdk/contract';
import type { Deciding, Handling, PermissionRequest } from '../../permissions/asking.js';

/**
 * What came of a question. `unanswered`: the handler failed, was late, or decided nothing.
 * `withdrawn`: no answer is wanted any more.
 */
export type Outcome =
  | { readonly kind: 'yes'; readonly for?: number }
  | { readonly kind: 'no' | 'withdrawn' }
  | { readonly kind: 'unanswered'; readonly why?: unknown };

/** The most questions of one plugin that are open or wait. */
const MAX_PENDING = 8;

interface Question {
  readonly request: PermissionRequest;
  readonly withdrawn: AbortController;
  settle(outcome: Outcome): void;
}

/** Owns the questions about running plugins. */
export class Questions {
  readonly #deciding: Deciding;
  /** By plugin, in the order of their turns. */
  readonly #waiting = new Map<string, readonly Question[]>();
  readonly #asked = new Set<Question>();

  constructor(deciding: Deciding) {
    this.#deciding = deciding;
  }

  /**
   * Asks the handler when it is the plugin's turn.
   *
   * @throws PluginOverloadedError `call/overloaded`.
   */
  ask(request: PermissionRequest): Promise<Outcome> {
    const { plugin } = request;
    const waiting = this.#waiting.get(plugin) ?? [];
    const asked = [...this.#asked].filter((one) => one.request.plugin === plugin);
    if (waiting.length + asked.length >= MAX_PENDING)
      throw createError('call/overloaded', `${plugin} waits for ${MAX_PENDING} permissions`, {
        plugin,
      });
    return new Promise((settle) => {
      const question = { request, settle, withdrawn: new AbortController() };
      this.#waiting.set(plugin, [...waiting, question]);
      this.#next();
    });
  }

  /** Withdraws the questions that a function chooses, or all. */
  withdraw(chosen: (request: PermissionRequest) => boolean = () => true): void {
    for (const [plugin, questions] of [...this.#waiting]) {
      const left = questions.filter(({ request }) => !chosen(request));
      if (left.length > 0) this.#waiting.set(plugin, left);
      else this.#waiting.delete(plugin);
      for (const { request, settle } of questions)
        if (chosen(request)) settle({ kind: 'withdrawn' });
    }
    for (const { request, withdrawn } of [...this.#asked]) if (chosen(request)) withdrawn.abort();
  }

  #next(): void {
    const { handling } = this.#deciding;
    // What asks when there is no handler is answered without a question.
    if (handling === undefined) return this.withdraw();
    while (this.#asked.size < handling.concurrent) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      const [plugin, [question, ...others]] = first;
      // Set again behind the other plugins.
      this.#waiting.delete(plugin);
      if (others.length > 0) this.#waiting.set(plugin, others);
      if (question !== undefined) void this.#put(question, handling);
    }
  }

  async #put(question: Question, handling: Handling): Promise<void> {
    this.#asked.add(question);
    const outcome = await put(handling, question.request, question.withdrawn);
    this.#asked.delete(question);
    question.settle(outcome);
    this.#next();
  }
}

/** Puts one question to a handler, in its time. Aborts `withdrawn` when that is over first. */
export function put(
  { handler, timeout, gone }: Handling,
  request: PermissionRequest,
  withdrawn: AbortController,
): Promise<Outcome> {
  const { signal } = withdrawn;
  return new Promise((resolve) => {
    let late: Alarm | undefined;
    const withdraw = () => withdrawn.abort();
    const settle = (outcome: Outcome) => {
      late?.clear();
      gone.removeEventListener('abort', withdraw);
      resolve(outcome);
    };
    signal.addEventListener('abort', () => settle({ kind: 'withdrawn' }), { once: true });
    if (gone.aborted) return withdraw();
    gone.addEventListener('abort', withdraw, { once: true });
    late = alarm(() => {
      settle({ kind: 'unanswered', why: `no answer came within ${timeout} ms` });
      withdraw();
    }, timeout);
    void (async () => handler(request, { signal }))().then(
      (answer) => settle(read(answer)),
      (why: unknown) => settle({ kind: 'unanswered', why }),
    );
  });
}

/** Reads an answer. Anything but a yes, a no or a duration decides nothing. */
function read(answer: unknown): Outcome {
  if (answer === true) return { kind: 'yes' };
  if (answer === false) return { kind: 'no' };
  if (answer === undefined) return { kind: 'unanswered' };
  const time =
    answer !== null && typeof answer === 'object' ? (answer as { for?: unknown }).for : 0;
  return typeof time === 'number' && time > 0
    ? { kind: 'yes', for: time }
    : { kind: 'unanswered', why: 'the answer was neither true nor false, nor { for }' };
}
