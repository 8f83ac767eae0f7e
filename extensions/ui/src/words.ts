/** What plugins say: notices, questions, texts of status items and facts. */
import type { Caller } from '@plinth/sdk/contract';
import {
  asPromise,
  createError,
  describeIssues,
  type Parsed,
  parseSchema,
} from '@plinth/sdk/contract';
import type { GenericSchema, InferOutput } from 'valibot';
import type { Tone } from './contract.js';
import { inputs } from './contribution-schema.js';
import type { FactValue } from './when.js';

/** A notice of a plugin. */
export interface Notice {
  /** Its id. */
  readonly plugin: string;
  /** Its name for people. */
  readonly name: string;
  readonly text: string;
  readonly tone: Tone;
}

/** A question of a plugin. */
export interface Question {
  readonly plugin: string;
  readonly name: string;
  readonly title: string;
  readonly text: string | undefined;
  readonly choices: readonly string[];
  /** Aborted when the answer isn't waited for any more. */
  readonly signal: AbortSignal;
}

/** How the application shows words of plugins. It names the plugin, so that none poses as another. */
export interface Present {
  notify(notice: Notice): void;
  /** Answers the place of the choice, or null when the question was closed. */
  ask(question: Question): Promise<number | null>;
}

/** What a handler knows of its call. */
interface Asking {
  readonly caller: Caller;
  readonly signal: AbortSignal;
}

/** Notices of one plugin in a minute. */
const NOTICES = 30;
const MINUTE = 60_000;
/** Facts of one plugin. */
const FACTS = 64;

/** What is known of a plugin that speaks. */
export interface Speakers {
  nameOf(plugin: string): string;
  isPlugin(id: string): boolean;
  /** Whether any of its versions may run. */
  isEnabled(id: string): boolean;
  /** Ids of its status items. */
  statusIds(plugin: string): readonly string[];
}

/** Owns what plugins have said. */
export class Words {
  readonly #present: Present;
  readonly #speakers: Speakers;
  readonly #changed: () => void;
  readonly #failed: (error: unknown) => void;
  readonly #facts = new Map<string, Map<string, FactValue>>();
  readonly #own = new Map<string, FactValue>();
  readonly #texts = new Map<string, Map<string, string>>();
  readonly #asking = new Set<string>();
  readonly #noticed = new Map<string, number[]>();

  /** @param failed hears what the application's `notify` throws later. */
  constructor(
    present: Present,
    speakers: Speakers,
    changed: () => void,
    failed: (error: unknown) => void,
  ) {
    this.#present = present;
    this.#speakers = speakers;
    this.#changed = changed;
    this.#failed = failed;
  }

  /** A fact by its name: the application's, else a plugin's, which begins with its id. */
  fact(name: string): FactValue | undefined {
    const own = this.#own.get(name);
    if (own !== undefined) return own;
    // Ids have dots, and so have names. The longest id is meant: another plugin's id may be its
    // beginning.
    for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
      const plugin = name.slice(0, dot);
      const value = this.#facts.get(plugin)?.get(name.slice(dot + 1));
      if (value !== undefined || this.#speakers.isPlugin(plugin)) return value;
    }
    return undefined;
  }

  /** Sets a fact of the application. Null takes it away. */
  setFact(name: string, value: FactValue): void {
    if (value === null) this.#own.delete(name);
    else this.#own.set(name, value);
    this.#changed();
  }

  /** The text that a plugin has set. */
  text(plugin: string, id: string): string | undefined {
    return this.#texts.get(plugin)?.get(id);
  }

  /** A plugin is gone, and what it has said with it. */
  forget(plugin: string): void {
    const had = this.#facts.delete(plugin);
    if (this.#texts.delete(plugin) || had) this.#changed();
    this.#noticed.delete(plugin);
  }

  notify(input: unknown, { caller }: Asking): void {
    const { text, tone } = read(inputs.notify, input, 'notify');
    const now = Date.now();
    const times = (this.#noticed.get(caller.id) ?? []).filter((time) => now - time < MINUTE);
    if (times.length >= NOTICES)
      throw tooMany(caller, `has given ${NOTICES} notices in a minute, which is the most`);
    this.#noticed.set(caller.id, [...times, now]);
    const notified: unknown = this.#present.notify({ ...this.#who(caller), text, tone });
    asPromise(notified)?.then(undefined, this.#failed);
  }

  async ask(input: unknown, { caller, signal }: Asking): Promise<number | null> {
    const { title, text, choices } = read(inputs.ask, input, 'ask');
    if (this.#asking.has(caller.id)) throw tooMany(caller, 'asks already: one question at a time');
    this.#asking.add(caller.id);
    try {
      const asked = { ...this.#who(caller), title, text, choices, signal };
      const answer = await Promise.race([this.#present.ask(asked), ended(signal)]);
      return Number.isInteger(answer) && choices[answer as number] !== undefined ? answer : null;
    } finally {
      this.#asking.delete(caller.id);
    }
  }

  status(input: unknown, { caller }: Asking): void {
    const { id, text } = read(inputs.status, input, 'status');
    if (text !== null) this.#checkEnabled(caller);
    const known = this.#speakers.statusIds(caller.id);
    if (!known.includes(id))
      throw invalid(
        'status',
        `'${id}' is no status item of ${caller.id}: its manifest lists ${known.join(', ') || 'none'} in 'contributes.ui.status'`,
      );
    const texts = this.#texts.get(caller.id) ?? new Map<string, string>();
    if (text === null) texts.delete(id);
    else texts.set(id, text);
    this.#texts.set(caller.id, texts);
    this.#changed();
  }

  setPluginFact(input: unknown, { caller }: Asking): void {
    const { name, value } = read(inputs.fact, input, 'fact');
    if (value !== null) this.#checkEnabled(caller);
    const facts = this.#facts.get(caller.id) ?? new Map<string, FactValue>();
    if (value === null) facts.delete(name);
    else if (facts.size < FACTS || facts.has(name)) facts.set(name, value);
    else throw tooMany(caller, `has ${FACTS} facts, which is the most`);
    this.#facts.set(caller.id, facts);
    this.#changed();
  }

  /** A plugin that was disabled still ends what it does, but says nothing that would stay. */
  #checkEnabled({ id }: Caller): void {
    if (!this.#speakers.isEnabled(id))
      throw createError('plugin/disabled', `${id} is disabled: nothing of it is shown`, {
        plugin: id,
      });
  }

  #who({ id }: Caller): { readonly plugin: string; readonly name: string } {
    return { plugin: id, name: this.#speakers.nameOf(id) };
  }
}

/** Null when an answer is of no use any more, whatever the application does with its question. */
function ended(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}

function read<S extends GenericSchema>(schema: S, input: unknown, what: string): InferOutput<S> {
  const parsed = parseSchema(schema, input) as Parsed<InferOutput<S>>;
  if (parsed.ok) return parsed.value;
  throw invalid(what, describeIssues(parsed.issues));
}

const invalid = (what: string, why: string) =>
  createError(
    'call/invalid-input',
    `plinth.ui:${what} is asked with a value that is not valid: ${why}`,
  );

const tooMany = ({ id }: Caller, what: string) =>
  createError('call/rate-limited', `${id} ${what}`, { plugin: id });
