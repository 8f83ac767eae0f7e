/** The plugin under test, and what all checks do with it. */
import type { Host, Kernel, KernelOptions, PluginPackage } from '@plinth/kernel';
import type { AnyContract } from '@plinth/sdk';
import { type Manifest, membersOf, messageOf, ownerOf, parseManifest } from '@plinth/sdk/contract';
import type { StubNetwork } from '../network.js';
import { openedBy } from '../opened-by.js';
import { type PluginInput, packageOfOne } from '../plugins.js';
import type { Stub } from '../stub.js';
import { createTestKernel, type TestKernel, type TestKernelOptions } from '../test-kernel.js';
import type { CheckGroup } from './report.js';

/** What a plugin needs for its checks, and what is asked of it. */
export interface TestPluginOptions {
  /** The host whose workers the plugin runs in. Inline when absent. */
  readonly host?: Host;
  /** Plugins that it depends on. */
  readonly plugins?: readonly PluginInput[];
  /**
   * Makes the extensions of each kernel that it is checked in, as the application has them. An
   * extension belongs to one kernel, so it is called for each.
   */
  readonly extensions?: () => NonNullable<KernelOptions['extensions']>;
  /** What answers the contracts that it needs, and open contracts of the application. */
  readonly contracts?: readonly (Stub | AnyContract)[];
  /** The contracts that it provides, so that its answers are checked. A plugin object names its own. */
  readonly provides?: readonly AnyContract[];
  /** Right inputs, by the name of the command: `{ add: [{ text: 'milk' }] }`. They run in their order. */
  readonly samples?: Readonly<Record<string, readonly unknown[]>>;
  readonly config?: Readonly<Record<string, unknown>>;
  /** What it keeps at the start, by key. */
  readonly storage?: Readonly<Record<string, unknown>>;
  /** What `ctx.fetch` gets, by URL. */
  readonly network?: StubNetwork;
  /** Reads the state that has to survive suspension, sleep, reload and update. */
  readonly state?: (kernel: Kernel) => unknown;
  /** Seed of the hostile inputs; 1 when absent. */
  readonly seed?: number;
  /** Milliseconds that a call may take before it counts as hanging; 2 000 when absent. */
  readonly timeout?: number;
  /**
   * The most that it may use: milliseconds from launch to active, milliseconds of a call (the median
   * of 20), bytes of memory. Memory is measured in workers only.
   */
  readonly budget?: {
    readonly activate?: number;
    readonly call?: number;
    readonly memory?: number;
  };
  /** An earlier version, which this one has to replace without harm. */
  readonly previous?: PluginInput;
  /** The groups to check; all when absent. */
  readonly groups?: readonly CheckGroup[];
}

/** What came of a call. */
export interface Outcome {
  readonly command: string;
  readonly input: unknown;
  readonly answer?: unknown;
  readonly error?: unknown;
}

/** A check: resolves to what was found, rejects when something is wrong. */
export type Run = () => Promise<string>;

/** Fails a check. */
export class Finding extends Error {}

/** @throws Finding unless the condition holds. */
export function ensure(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Finding(message);
}

/** The plugin under test. */
export class Subject {
  readonly package: PluginPackage;
  readonly manifest: Manifest;
  readonly options: TestPluginOptions;
  readonly contracts: readonly AnyContract[];

  private constructor(found: PluginPackage, manifest: Manifest, options: TestPluginOptions) {
    this.package = found;
    this.manifest = manifest;
    this.options = options;
    const { provides = [] } = (found.exported ?? {}) as { provides?: readonly AnyContract[] };
    this.contracts = [...(options.provides ?? []), ...(Array.isArray(provides) ? provides : [])];
  }

  /** @throws PluginManifestError for a manifest that no kernel would take. */
  static async of(plugin: PluginInput, options: TestPluginOptions): Promise<Subject> {
    const found = await packageOfOne(plugin);
    if (found.problem !== undefined) throw found.problem;
    return new Subject(found, parseManifest(found.manifest, found.origin), options);
  }

  get id(): string {
    return this.manifest.id;
  }

  get timeout(): number {
    return this.options.timeout ?? 2_000;
  }

  /** A kernel in which the plugin has been started, if it can be. */
  async start(more: TestKernelOptions = {}, found = this.package): Promise<TestKernel> {
    const { host, extensions, plugins = [], contracts, config, storage, network } = this.options;
    return createTestKernel({
      ...(host !== undefined && { host }),
      ...(extensions !== undefined && { extensions: extensions() }),
      plugins: [...plugins, found],
      contracts: [...(contracts ?? []), ...openedBy(this.manifest)],
      ...(config !== undefined && { config: { user: { [this.id]: config } } }),
      ...(storage !== undefined && { storage: { [this.id]: storage } }),
      ...(network !== undefined && { network }),
      ...more,
    });
  }

  /** The same, with the plugin active. @throws what kept it from starting. */
  async started(more?: TestKernelOptions, found?: PluginPackage): Promise<TestKernel> {
    const kernel = await this.start(more, found);
    try {
      await kernel.plugins.activate(this.id);
      return kernel;
    } catch (error) {
      await kernel.stop({ drain: 0 });
      throw error;
    }
  }

  /** Wire ids of the commands that it answers now. */
  commands(kernel: Kernel): readonly string[] {
    const { commands } = kernel.plugins.capabilities(this.id);
    return commands.filter(({ active }) => active).map(({ id }) => id);
  }

  /** The samples with the wire ids of their commands. */
  get samples(): readonly (readonly [command: string, input: unknown])[] {
    return Object.entries(this.options.samples ?? {}).flatMap(([name, inputs]) =>
      inputs.map((input) => [name.includes(':') ? name : `${this.id}:${name}`, input] as const),
    );
  }

  /** Calls a command. The answer is parsed by its contract, where that is known. */
  async call(kernel: Kernel, command: string, input: unknown): Promise<Outcome> {
    const options = { timeout: this.timeout };
    try {
      const found = this.#memberOf(command);
      if (found === undefined)
        return { command, input, answer: await kernel.commands.execute(command, input, options) };
      const provider = ownerOf(command) === this.id ? {} : { provider: this.id };
      const client = kernel.client(found.contract, provider) as Readonly<
        Record<string, (input: unknown, options: object) => Promise<unknown>>
      >;
      return { command, input, answer: await client[found.name]?.(input, options) };
    } catch (error) {
      return { command, input, error };
    }
  }

  #memberOf(
    command: string,
  ): { readonly contract: AnyContract; readonly name: string } | undefined {
    for (const contract of this.contracts)
      for (const [name, { id, kind }] of membersOf(contract))
        if (id === command && kind === 'command') return { contract, name };
    return undefined;
  }

  /** Runs every sample in turn. */
  async exercise(kernel: Kernel): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const [command, input] of this.samples)
      outcomes.push(await this.call(kernel, command, input));
    return outcomes;
  }

  /** What has to survive: what it keeps, and what the test reads. */
  async state(kernel: TestKernel): Promise<unknown> {
    return { kept: await kernel.storageOf(this.id), read: await this.options.state?.(kernel) };
  }

  /** A command without the plugin's own id. */
  short(command: string): string {
    return ownerOf(command) === this.id ? command.slice(this.id.length + 1) : command;
  }
}

/** Why a sample failed, in words. Undefined when it was answered. */
export function failureOf({ command, input, error }: Outcome): string | undefined {
  return error === undefined
    ? undefined
    : `${command} fails for ${printed(input)}: ${messageOf(error)}`;
}

/** A value in a message: short, whatever it is. */
export function printed(value: unknown): string {
  let text: string;
  try {
    text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  } catch {
    text = Object.prototype.toString.call(value);
  }
  return (text ?? 'undefined').length > 80 ? `${text.slice(0, 80)}…` : (text ?? 'undefined');
}

/** Whether two values are equal, whatever the order of their keys. */
export function same(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return false;
  const [keys, others] = [Object.keys(one), Object.keys(other)];
  const at = (value: object, key: string) => (value as Readonly<Record<string, unknown>>)[key];
  return (
    Object.prototype.toString.call(one) === Object.prototype.toString.call(other) &&
    keys.length === others.length &&
    String(one) === String(other) &&
    keys.every((key) => Object.hasOwn(other, key) && same(at(one, key), at(other, key)))
  );
}
