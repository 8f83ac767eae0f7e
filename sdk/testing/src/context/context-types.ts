/** The types of a test context. */
import type { HostCallOptions, LogEntry } from '@plinth/kernel';
import type {
  AnyContract,
  Client,
  Command,
  EventEnvelope,
  ManifestInput,
  Needs,
  Optional,
  Plugin,
  PluginContext,
  Schema,
} from '@plinth/sdk';
import type { InferInput, InferOutput } from '@plinth/sdk/contract';
import type { StubNetwork } from '../network.js';
import type { RecordedCall, RecordedDenial } from '../recorder.js';

type AnyFunction = (...values: never[]) => unknown;

/** The functions that answer a need: those of its contract, any of which may be absent. */
export type NeedAnswers<C> =
  Client<C> extends infer Methods
    ? {
        readonly [K in keyof Methods]?: Methods[K] extends (
          input: infer I,
          options?: infer _O,
        ) => Promise<infer A>
          ? (input: I) => A | Promise<A>
          : never;
      }
    : never;

/** Answers of a plugin's needs, by the names that it uses. */
export type NeedsAnswers<N> = {
  readonly [K in keyof N]?: NeedAnswers<N[K] extends Optional<infer C> ? C : N[K]>;
};

/** Needs without a plugin: objects of functions. */
export type PlainNeeds = Readonly<Record<string, Readonly<Record<string, AnyFunction>>>>;

/** The clients of plain needs. Answers come as promises, as over any wire. */
export type PlainClients<P> = {
  readonly [K in keyof P]: {
    readonly [M in keyof P[K]]: P[K][M] extends (...values: infer V) => infer A
      ? (...values: V) => Promise<Awaited<A>>
      : never;
  };
};

/** What a context is made of besides its plugin. */
export interface TestContextParts<Config> {
  /**
   * Parts of the manifest. By default the plugin has the id of the first contract that it provides
   * (`com.example.test` without one) and every permission.
   */
  readonly manifest?: Partial<ManifestInput>;
  /** The plugin's settings. Its schema fills in the rest. */
  readonly config?: Partial<Config>;
  /** What it keeps at the start, by key. */
  readonly storage?: Readonly<Record<string, unknown>>;
  /** Its secrets by name, each of at least 4 characters. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** What `ctx.fetch` gets, by URL. Every other request is refused. */
  readonly fetch?: StubNetwork;
  /** A clock that only the test moves; see the test kernel's. */
  readonly clock?: boolean | { readonly now: Date | number };
}

/** Overrides with a plugin, which gives the types of the configuration and of the needs. */
export interface PluginContextOptions<N extends Needs, C extends Schema>
  extends TestContextParts<InferOutput<C>> {
  readonly plugin: Plugin<N, C>;
  /** Answers of its needs. Optional ones that are absent here have no provider. */
  readonly needs?: NeedsAnswers<N>;
}

/** Overrides without a plugin. */
export interface PlainContextOptions<Config, P extends PlainNeeds>
  extends TestContextParts<Config> {
  readonly plugin?: undefined;
  readonly config?: Config;
  readonly needs?: P;
}

/** Something that was registered through the context, and not yet taken back. */
export interface Registration {
  readonly kind: 'command' | 'hook' | 'event' | 'middleware' | 'message';
  /** Wire id, topic, pattern or target. Absent for the handler of messages. */
  readonly name?: string;
}

/** What a command of a contract is called with. */
export type InvokeArguments<C> =
  C extends Command<infer I, infer _O, infer _E>
    ? undefined extends InferInput<I>
      ? [input?: InferInput<I>, options?: HostCallOptions]
      : [input: InferInput<I>, options?: HostCallOptions]
    : never;

/** What a command of a contract answers. */
export type InvokeAnswer<C> =
  C extends Command<infer _I, infer O, infer _E> ? InferOutput<O> : never;

/** What a test sees of a context. */
export interface ContextRecords {
  /** The commands and hooks that are answered, without the plugin's own id: `add`. */
  readonly handlers: readonly string[];
  /** Everything that is registered now. */
  readonly registrations: readonly Registration[];
  /** The events that were emitted through the context. */
  readonly emitted: readonly EventEnvelope[];
  /** What it has logged. */
  readonly logs: readonly LogEntry[];
  /** Calls of its handlers and of its needs. */
  readonly calls: readonly RecordedCall[];
  /** What was attempted without the permission. */
  readonly denials: readonly RecordedDenial[];
  /**
   * Calls a handler as the application does: by its bare name, its wire id, or its member of a
   * contract, which gives the types.
   */
  invoke<C extends Command & { readonly id: string }>(
    command: C,
    ...input: InvokeArguments<C>
  ): Promise<InvokeAnswer<C>>;
  invoke(name: string, input?: unknown, options?: HostCallOptions): Promise<unknown>;
  /** What is kept now, by key. */
  stored(): Promise<Readonly<Record<string, unknown>>>;
  /** Moves the clock of the option `clock` on. */
  advance(milliseconds: number): Promise<void>;
  /** Ends the context as a stopping plugin's: the signal aborts, and what it owns is disposed. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The context of a plugin that is under test. */
export type TestContext<N, C extends Schema> = PluginContext<N, InferOutput<C>> & ContextRecords;

/** A context without a plugin. */
export type PlainTestContext<Config, P> = Omit<
  PluginContext<Record<never, never>, Config>,
  'needs'
> &
  ContextRecords & { readonly needs: PlainClients<P> };

/** A contract that answers a need. */
export interface Need {
  readonly contract: AnyContract;
  readonly optional: boolean;
  readonly answers: Readonly<Record<string, unknown>> | undefined;
}
