/** Takes in what sources find: at first, and later while plugins run. */
import { DEFAULT_TENANT, messageOf, type PluginError } from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import type { PluginRecord } from '../plugin/record.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import type { Log } from '../telemetry/logger.js';
import type { Discovered, Discovery } from './discover.js';

/** What takes packages in. Packages are taken as all tenants use them. */
export interface Intake {
  /** Admits packages that were found after the first ones. */
  admit(packages: readonly PluginPackage[]): Promise<void>;
  report(problem: PluginError): void;
  /** Activates the plugins that ask to start with the kernel. */
  startAll(): Promise<void>;
}

/** What arrivals need of the kernel. */
export interface ArrivalParts {
  readonly tenant: string;
  readonly registry: PluginRegistry;
  readonly log: Log;
  /** The discovery of all sources, which the first call begins. */
  discovery(): Discovery;
  intake(): Promise<Intake>;
  isStopping(): boolean;
}

/** Owns the findings that are being processed, and the starts that they cause. */
export class Arrivals {
  readonly #parts: ArrivalParts;
  #discovery: Discovery | undefined;
  /** Stops listening for late findings of sources. */
  #looking: (() => void) | undefined;
  /** Settles when all findings so far are processed. */
  #arriving: Promise<void> = Promise.resolve();
  /** How many findings are being processed. */
  #taking = 0;
  /** How many of them are not admitted yet. */
  #unadmitted = 0;
  /** How many starts of `startup` plugins are in progress. Some may still wait. */
  #startups = 0;
  /** Whether the first such start has begun. Plugins found later start when they arrive. */
  #begun = false;

  constructor(parts: ArrivalParts) {
    this.#parts = parts;
  }

  /** Resolves when the sources have reported what a start waits for. */
  async first(): Promise<void> {
    this.#discovery = this.#parts.discovery();
    await this.#discovery.first;
  }

  /**
   * What was found so far. What is found from now on is taken in after `opened`. It is one step, so
   * that no finding is missed or processed twice.
   */
  found(opened: Promise<void>): Discovered {
    const discovery = this.#discovery as Discovery;
    const { log, tenant } = this.#parts;
    this.#looking = discovery.onLate((late) => {
      this.#taking += 1;
      this.#unadmitted += 1;
      this.#arriving = this.#arriving
        .then(() => this.#takeIn(late, opened))
        .catch((error: unknown) =>
          log.write(
            'kernel',
            'error',
            `what a source has found late could not be taken in: ${messageOf(error)}`,
          ),
        )
        .finally(() => {
          this.#taking -= 1;
        });
    });
    // Reported once. Health shows the problems as long as they last.
    if (tenant === DEFAULT_TENANT) {
      for (const { message } of discovery.pending) log.write('kernel', 'warn', message);
      for (const origin of discovery.empty)
        log.write(
          'kernel',
          'warn',
          `found no plugins in ${origin}: a plugin is a folder or URL with a plugin.json`,
        );
    }
    return discovery.found;
  }

  async #takeIn({ packages, problems }: Discovered, opened: Promise<void>): Promise<void> {
    const { isStopping, intake } = this.#parts;
    let to: Intake | undefined;
    try {
      await opened;
      if (isStopping()) return;
      to = await intake();
      for (const problem of problems) to.report(problem);
      if (packages.length > 0) await to.admit(packages);
    } finally {
      this.#unadmitted -= 1;
      // Nothing more comes, so what is still missing is reported.
      if (!this.mayCome) await to?.admit([]);
    }
    // Not awaited: callers of start() may wait for these findings.
    if (this.#begun && packages.length > 0) void this.startUp();
  }

  /** Starts the plugins that ask to start with the kernel. */
  async startUp(): Promise<void> {
    this.#begun = true;
    this.#startups += 1;
    await (await this.#parts.intake()).startAll();
    this.#startups -= 1;
  }

  /** Whether a plugin is about to start, because the tenant starts. */
  comes(record: PluginRecord): boolean {
    return (
      this.#startups > 0 &&
      record.state === 'resolved' &&
      record.manifest.activation.includes('startup')
    );
  }

  /** Whether a source may still find something, or has found something that is not admitted. */
  get mayCome(): boolean {
    return this.#unadmitted > 0 || this.#discovery?.mayFindMore === true;
  }

  /** Waits for a plugin that a source may still find. */
  async arrival(id: string): Promise<void> {
    while (this.#parts.registry.find(id) === undefined && (await this.moreToCome()));
  }

  /** Waits for sources that still search. Resolves to whether there were any. */
  async moreToCome(): Promise<boolean> {
    if (this.#parts.isStopping()) return false;
    if (this.#taking === 0 && this.#discovery?.mayFindMore !== true) return false;
    if (this.#taking === 0) await this.#discovery?.next;
    await this.#arriving;
    return true;
  }

  /** Sources that have not ended, each as the problem that it is until then. */
  get pending(): readonly PluginError[] {
    return this.#discovery?.pending ?? [];
  }

  close(): void {
    this.#looking?.();
  }
}
