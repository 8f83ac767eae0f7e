/**
 * The contracts between plugins and the host. Their schemas carry types alone, which keeps bundles
 * of plugins small: the host checks what comes from a plugin before it uses any of it.
 */
import { command, contract, stream } from '@plinth/sdk';
import type { Schema } from '@plinth/sdk/contract';

/** A schema that has a type, and at most a check of what a plugin relies on. */
export const typed = <T>(fits: (value: Partial<T>) => boolean = () => true): Schema<T, T> =>
  described({
    version: 1,
    vendor: 'plinth',
    validate: (value) =>
      fits(Object(value) as Partial<T>)
        ? { value: value as T }
        : { issues: [{ message: 'it is not what the contract says' }] },
  });

/** A name of at most 256 characters. */
export const isName = (value: unknown): boolean => typeof value === 'string' && value.length <= 256;

/** Tells tools that describe contracts that any value may be there. */
export function described<S extends Schema['~standard']>(standard: S): { '~standard': S } {
  const anything = () => ({});
  return { '~standard': { ...standard, jsonSchema: { input: anything, output: anything } } };
}

/** Milliseconds for what may wait for a person's answer. */
export const ANSWER_WITHIN = 600_000;

/** Asks for a view. */
export interface OpenInput {
  /** The host's name for this showing. */
  readonly session: string;
  readonly view: string;
  /** What the application passes to the view. */
  readonly props?: unknown;
  /** The host counts what is typed, and wants to be told what was heard of it. */
  readonly counts?: boolean;
}

/** An event of a node. */
export interface EventInput {
  readonly session: string;
  readonly node: number;
  readonly name: string;
  /** A text, a number, a boolean, or nothing. */
  readonly detail?: unknown;
  /** Of what was typed: a number that is higher each time. */
  readonly order?: number;
}

/**
 * What a plugin with views provides; `views(ctx, …)` does it. A view is shown for as long as its
 * stream is read. Each item is the JSON text of a list of changes.
 *
 * The manifest has `"provides": ["plinth.view@1"]` and the right
 * `"contracts": { "provide": ["plinth.view"] }`.
 */
export const View = contract('plinth.view@1', {
  open: command({
    input: typed<OpenInput>(({ session, view }) => isName(session) && isName(view)),
    output: described(stream(typed<string>())['~standard']),
  }),
  /**
   * `stale`: this showing has ended, for example by an update of the plugin. A handler may ask its
   * user, so it has as much time as `plinth.ui:ask`.
   */
  event: command({
    input: typed<EventInput>(
      ({ session, node, name }) => isName(session) && isName(name) && Number.isInteger(node),
    ),
    errors: { stale: typed<Record<never, never>>() },
    timeout: ANSWER_WITHIN,
  }),
});

/** How a notice, a badge or a button is meant. */
export type Tone = 'plain' | 'accent' | 'good' | 'warn' | 'bad';

/** A notice. */
export interface NotifyInput {
  /** At most 500 characters. */
  readonly text: string;
  /** Default: `plain`. */
  readonly tone?: Tone;
}

/** A question. */
export interface AskInput {
  /** At most 200 characters. */
  readonly title: string;
  /** At most 2000 characters. */
  readonly text?: string;
  /** One to five, of at most 60 characters each. */
  readonly choices: readonly string[];
}

/** The text of a status item. */
export interface StatusInput {
  /** Its id in `contributes.ui.status`. */
  readonly id: string;
  /** At most 60 characters. Null restores the text of the manifest. */
  readonly text: string | null;
}

/** A fact for when-clauses. */
export interface FactInput {
  /** Clauses see it as `<plugin id>.<name>`. */
  readonly name: string;
  /** A text has at most 1000 characters. Null takes the fact away. */
  readonly value: string | number | boolean | null;
}

/**
 * What the host answers, with `ui()` of `@plinth/ui/host`. A plugin needs `plinth.ui@^1`, and the
 * right to `commands.execute` of `plinth.ui:*`.
 *
 * @example
 * export default definePlugin({
 *   needs: { ui: Ui },
 *   activate(ctx) {
 *     ctx.commands.handle('save', async () => {
 *       await ctx.needs.ui.notify({ text: 'Saved', tone: 'good' });
 *     });
 *   },
 * });
 */
export const Ui = contract('plinth.ui@1', {
  notify: command({ input: typed<NotifyInput>(), output: typed<void>() }),
  /** Answers the place of the choice, or null when the question was closed. */
  ask: command({
    input: typed<AskInput>(),
    output: typed<number | null>(),
    timeout: ANSWER_WITHIN,
  }),
  status: command({ input: typed<StatusInput>(), output: typed<void>() }),
  fact: command({ input: typed<FactInput>(), output: typed<void>() }),
});
