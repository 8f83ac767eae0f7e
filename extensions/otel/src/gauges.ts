/** What is read of one tenant: what runs, what waits, what guests use. */
import type { Attributes } from '@opentelemetry/api';
import type { Gate, GuestView, PluginView, PortBase } from '@plinth/kernel/extension';
import type { Add, Collector, Read } from './collector.js';
import type { Faults } from './faults.js';
import type { InFlight } from './watched.js';

/** What gauges read. */
export interface GaugeParts {
  readonly port: Pick<PortBase, 'after' | 'plugins' | 'tenant'>;
  readonly collector: Collector;
  readonly faults: Faults;
  /** Calls in flight, by plugin. */
  readonly inFlight: ReadonlyMap<string, InFlight>;
}

/** Milliseconds that guests have to say what they use. */
const PATIENCE = 1_000;

/** What a guest was last known to use. */
interface Usage {
  memory: number | undefined;
  /** Milliseconds, and the moment they were read. */
  cpu: number | undefined;
  at: number;
  /** Share of one core since the reading before. */
  utilization: number | undefined;
  eventLoop: number | undefined;
}

/** Owns the guests of a tenant that are measured. */
export class Gauges {
  readonly #parts: GaugeParts;
  readonly #guests = new Map<GuestView, Usage>();
  /** Milliseconds of guests that have ended, by the attributes of their plugin. */
  readonly #past = new Map<Attributes, number>();
  readonly #read: Read;

  constructor(parts: GaugeParts) {
    this.#parts = parts;
    this.#read = (add) => this.#observe(add);
    parts.faults.contain(() => parts.collector.add(this.#read));
  }

  /** A guest was launched. It is measured until it ends. */
  add(guest: GuestView): Gate {
    const usage = {
      memory: undefined,
      cpu: undefined,
      at: performance.now(),
      utilization: undefined,
      eventLoop: undefined,
    };
    this.#guests.set(guest, usage);
    return { ended: () => this.#remove(guest) };
  }

  end(): void {
    this.#parts.collector.remove(this.#read);
    this.#guests.clear();
  }

  #remove(guest: GuestView): void {
    const cpu = this.#guests.get(guest)?.cpu;
    this.#guests.delete(guest);
    if (cpu === undefined) return;
    const of = this.#attributes(guest.plugin);
    this.#past.set(of, (this.#past.get(of) ?? 0) + cpu);
  }

  async #observe(add: Add): Promise<void> {
    await this.#measure();
    const { series } = this.#parts.collector;
    const { plugins, tenant } = this.#parts.port;
    const all = plugins.all();
    add('active', series.ofTenant(tenant), all.filter(({ state }) => state === 'active').length);
    for (const plugin of all) add('waiting', this.#attributes(plugin), plugin.waiting);
    for (const [plugin, { calls }] of this.#parts.inFlight)
      add('inFlight', series.of({ tenant, plugin }), calls);
    for (const [of, cpu] of this.#past) add('cpu', of, cpu / 1_000);
    for (const [guest, { memory, cpu, utilization, eventLoop }] of this.#guests) {
      const of = this.#attributes(guest.plugin);
      add('pending', of, guest.pending);
      if (guest.stored > 0) add('storage', of, guest.stored);
      if (memory !== undefined) add('memory', of, memory);
      if (cpu !== undefined) add('cpu', of, cpu / 1_000);
      if (utilization !== undefined) add('utilization', of, utilization);
      if (eventLoop !== undefined) add('eventLoop', of, eventLoop);
    }
  }

  /** A guest that doesn't answer keeps the values that it had. */
  async #measure(): Promise<void> {
    const { port } = this.#parts;
    const asked = [...this.#guests].map(async ([guest, usage]) => {
      const used = await guest.usage().catch(() => undefined);
      const now = performance.now();
      if (used?.memory !== undefined) usage.memory = used.memory;
      if (used?.eventLoop !== undefined) usage.eventLoop = used.eventLoop;
      if (used?.cpu === undefined) return;
      // A reading before the first says nothing of the time between.
      if (usage.cpu !== undefined && now > usage.at)
        usage.utilization = Math.max(0, (used.cpu - usage.cpu) / (now - usage.at));
      usage.cpu = used.cpu;
      usage.at = now;
    });
    if (asked.length === 0) return;
    let late: { dispose(): void } | undefined;
    await Promise.race([
      Promise.all(asked),
      new Promise<void>((resolve) => {
        late = port.after(PATIENCE, resolve);
      }),
    ]);
    late?.dispose();
  }

  #attributes({ id }: Pick<PluginView, 'id'>): Attributes {
    const { tenant } = this.#parts.port;
    return this.#parts.collector.series.of({ tenant, plugin: id });
  }
}
