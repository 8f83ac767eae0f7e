/** Keeps what is registered through a context, as long as it is registered. */
import type { AnyContract, PluginContext, Registered } from '@plinth/sdk';
import { membersOf } from '@plinth/sdk/contract';
import type { Registration } from './context-types.js';

type AnyContext = PluginContext<Record<never, never>, unknown>;
type Register = (...values: readonly unknown[]) => Registered;

/** The registrations of one context. */
export class RegisteredParts {
  readonly #own: string;
  readonly #all = new Set<Registration>();

  /** @param own the plugin's id. */
  constructor(own: string) {
    this.#own = own;
  }

  get all(): readonly Registration[] {
    return [...this.#all];
  }

  /** Bare names of the plugin's own commands and hooks, and wire ids of others. */
  get handlers(): readonly string[] {
    const own = `${this.#own}:`;
    return this.all.flatMap(({ kind, name }) =>
      name !== undefined && (kind === 'command' || kind === 'hook')
        ? [name.startsWith(own) ? name.slice(own.length) : name]
        : [],
    );
  }

  /** The parts of a context through which things are registered, noting them. */
  around(context: AnyContext): Partial<AnyContext> {
    const { commands, events, hooks, middleware, messaging, services } = context;
    const wire = (name: unknown) => {
      const text = typeof name === 'string' ? name : String((name as { id?: unknown }).id);
      return text.includes(':') ? text : `${this.#own}:${text}`;
    };
    const noting = (register: Register, named: (first: unknown) => readonly Registration[]) =>
      ((...values: readonly unknown[]) =>
        this.#note(register(...values), named(values[0]))) as never;
    const listened = (event: unknown) => [
      { kind: 'event', name: typeof event === 'string' ? event : wire(event) } as const,
    ];
    const provide = noting(context.provide as Register, (contract) =>
      membersOf(contract as AnyContract).flatMap(([, { kind, id }]) =>
        kind === 'event' ? [] : [{ kind, name: id }],
      ),
    );
    return {
      provide,
      services: { ...services, provide },
      commands: {
        ...commands,
        handle: noting(commands.handle as Register, (name) => [
          { kind: 'command', name: wire(name) },
        ]),
      },
      hooks: {
        ...hooks,
        handle: noting(hooks.handle as Register, (hook) => [{ kind: 'hook', name: wire(hook) }]),
      },
      events: {
        ...events,
        on: noting(events.on as Register, listened),
        once: noting(events.once as Register, listened),
      },
      middleware: {
        use: noting(middleware.use as Register, (target) => [
          { kind: 'middleware', name: String(target) },
        ]),
      },
      messaging: {
        ...messaging,
        on: noting(messaging.on as Register, () => [{ kind: 'message' }]),
      },
    };
  }

  #note(registered: Registered, parts: readonly Registration[]): Registered {
    for (const part of parts) this.#all.add(part);
    const dispose = () => {
      for (const part of parts) this.#all.delete(part);
      registered.dispose();
    };
    return { dispose, [Symbol.dispose]: dispose };
  }
}
