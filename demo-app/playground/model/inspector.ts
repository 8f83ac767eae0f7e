/** Everything that the panels show, derived from the kernel's public API and its events. */
import { explanationText, type KernelHealth, type LogEntry } from '@plinth/host-browser';
import type { Workbench } from '@plinth/ui/host';
import { takeBackAtStart } from '../kernel/edited-claims.ts';
import { pageSource } from '../kernel/page-source.ts';
import { createPlaygroundKernel, type PlaygroundKernel } from '../kernel/playground-kernel.ts';
import { pluginViews } from '../kernel/plugin-views.ts';
import { Comparison } from './comparison.ts';
import { EventLog } from './event-log.ts';
import { Faults } from './faults.ts';
import { NodeClient, takeNodeAccess } from './node-client.ts';
import { Palette } from './palette.ts';
import { PluginWords } from './plugin-words.ts';
import { Requests } from './requests.ts';
import { Changes } from './store.ts';
import { browserMemory, Tour } from './tour.ts';
import { CLOCK } from './tour-steps.ts';
import { Traces } from './traces.ts';
import { Traffic } from './traffic.ts';

/** The kernel with what is known of it. One lives as long as the page. */
export class Inspector {
  readonly kernel: PlaygroundKernel;
  /** What plugins contribute to the page. */
  readonly workbench: Workbench;
  readonly faults: Faults;
  readonly comparison: Comparison;
  readonly events = new EventLog();
  readonly traces: Traces;
  readonly traffic: Traffic;
  readonly requests = new Requests();
  readonly words: PluginWords;
  readonly palette: Palette;
  readonly tour: Tour;
  /** A plugin, its rights or its configuration changed. */
  readonly plugins = new Changes();
  /** A log entry was written. */
  readonly logs = new Changes();
  readonly healthChanges = new Changes();
  /** A list of the workbench may have changed. */
  readonly contributions = new Changes();
  health: KernelHealth | undefined;

  private constructor(
    { kernel, faults, workbench }: Awaited<ReturnType<typeof createPlaygroundKernel>>,
    { traces, traffic, words, tour }: Pick<Inspector, 'traces' | 'traffic' | 'words' | 'tour'>,
  ) {
    this.kernel = kernel;
    this.workbench = workbench;
    this.faults = new Faults(kernel, faults);
    const access = takeNodeAccess(document);
    this.comparison = new Comparison(kernel, access && new NodeClient(access));
    this.traces = traces;
    this.traffic = traffic;
    this.words = words;
    this.tour = tour;
    this.palette = new Palette(kernel, workbench, words);
    kernel.permissions.onRequest(this.requests.ask);
    kernel.events.on('*', (event) => {
      this.events.add(event);
      this.tour.event(event.topic, event.payload);
    });
    // The kernel tells of entries only where they are asked for by name.
    kernel.events.on('log:written', this.logs.announce);
    for (const topic of ['plugin:*', 'need:*', 'permission:*', 'config:*'])
      kernel.events.on(topic, this.plugins.announce);
    this.plugins.subscribe(() => void this.#readHealth());
    workbench.onChange(this.contributions.announce);
    this.#joinTour();
  }

  static async create(): Promise<Inspector> {
    const traces = new Traces();
    const traffic = new Traffic();
    const words = new PluginWords();
    const tour = new Tour(browserMemory);
    const made = await createPlaygroundKernel((span) => {
      traces.add(span);
      traffic.add(span);
      tour.call(span);
    }, words);
    return new Inspector(made, { traces, traffic, words, tour });
  }

  #joinTour(): void {
    const { kernel, comparison, tour } = this;
    tour.join({
      refused: (plugin) => kernel.permissions.refused(plugin).length > 0,
      compared: () => comparison.count,
      callAnother: () => void kernel.commands.execute(`${CLOCK}:now`).catch(() => {}),
    });
    comparison.changes.subscribe(() => tour.look());
    this.plugins.subscribe(() => tour.look());
  }

  /** Starts the kernel, and the clock of what is counted by the second. */
  async start(): Promise<void> {
    setInterval(() => {
      this.traffic.tick();
      if (!document.hidden) void this.#readHealth();
    }, 1_000);
    await this.kernel.start();
    this.plugins.announce();
    // A storage that fails shows in the health of the kernel.
    await takeBackAtStart(this.kernel.plugins).catch(() => {});
  }

  /** Why a plugin is as it is, over several lines. They hold words of the plugin. */
  readonly explanation = (id: string): string => explanationText(this.kernel.plugins.explain(id));

  /** Installs and starts the plugin whose manifest is at an address. */
  readonly install = async (url: string): Promise<void> => {
    const { plugins } = this.kernel;
    await plugins.activate(await plugins.install(pageSource([url])));
  };

  /** Replaces a plugin by the version whose manifest is at an address. */
  readonly update = (id: string, url: string) => this.kernel.plugins.update(id, pageSource([url]));

  /** The kernel's own view of a plugin, which has its package. */
  readonly viewOf = (id: string) => this.kernel.extension(pluginViews).of(id);

  /** The last log entries of a plugin or of all, newest first. */
  logOf(source?: string): readonly LogEntry[] {
    return this.kernel.logger.recent(source).toReversed();
  }

  #reading = false;
  #again = false;

  /** One at a time: while a plugin hangs, an answer takes longer than the time to the next reading. */
  async #readHealth(): Promise<void> {
    this.#again = this.#reading;
    if (this.#reading) return;
    this.#reading = true;
    try {
      this.health = await this.kernel.health();
      this.healthChanges.announce();
    } finally {
      this.#reading = false;
    }
    if (this.#again) await this.#readHealth();
  }
}
