/** `createTestKernel`: the real kernel for tests. */
import type {
  Host,
  Kernel,
  KernelOptions,
  LogEntry,
  PluginPackage,
  PluginSource,
  StorageAdapter,
} from '@plinth/kernel';
import type { AnyContract } from '@plinth/sdk';
import { createError } from '@plinth/sdk/contract';
import { checkValues, RULES } from './check-options.js';
import { type InstalledClock, installClock, type TestClock } from './clock.js';
import { loadKernel } from './kernel-module.js';
import { networkOf, type StubNetwork } from './network.js';
import { type PluginInput, packagesOf } from './plugins.js';
import { holdRealm } from './realm.js';
import { type RecordedCall, type RecordedDenial, Recorder } from './recorder.js';
import { runtimeContext } from './runtime-context.js';
import type { Stub } from './stub.js';
import { install, Switchboard } from './switchboard.js';

/** What a test kernel is made of: the options of a kernel, and what only tests need. */
export interface TestKernelOptions
  extends Omit<KernelOptions, 'contracts' | 'network' | 'storage'> {
  readonly plugins?: readonly PluginInput[];
  /** What plugins keep when the kernel starts, by plugin id and key. */
  readonly storage?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Where it is kept: memory when absent. The kernel closes it when it stops. */
  readonly adapter?: StorageAdapter;
  /**
   * Contracts that the test answers (`stub(contract, handlers)`), and contracts that any plugin may
   * provide.
   */
  readonly contracts?: readonly (Stub | AnyContract)[];
  /** What `ctx.fetch` gets, by URL. Every other request is refused. */
  readonly network?: StubNetwork;
  /**
   * A clock that only the test moves, from now on or from the given time (a date, or milliseconds
   * since the epoch). Only for inline plugins.
   */
  readonly clock?: boolean | { readonly now: Date | number };
}

/** A started kernel, and what was recorded of it. */
export interface TestKernel extends Kernel {
  /** Calls of commands in the order in which they began; the latest 10 000. */
  readonly calls: readonly RecordedCall[];
  /** What plugins attempted without the permission; the latest 10 000. */
  readonly denials: readonly RecordedDenial[];
  /** The log; the latest 10 000 entries. */
  readonly logs: readonly LogEntry[];
  /**
   * The clock of this kernel.
   *
   * @throws PluginConfigurationError `kernel/invalid-option` for a kernel without the option `clock`.
   */
  readonly clock: TestClock;
  /** What a plugin keeps now, by key; for the tenant `tenant-0`, as the seeded storage is. */
  storageOf(plugin: string): Promise<Readonly<Record<string, unknown>>>;
}

/**
 * Creates and starts a real kernel for a test. Plugins run inline, or in workers when a host is
 * given. It stops at the end of `await using`, or with `stop()`; nothing of it is left then.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`. Nothing is left running.
 * @example
 * await using kernel = await createTestKernel({ plugins: [{ manifest, plugin: notes }] });
 * await kernel.client(Notes).add({ text: 'milk' });
 * expect(await kernel.storageOf('com.example.notes')).toEqual({ 'note-1': 'milk' });
 */
export async function createTestKernel(options: TestKernelOptions = {}): Promise<TestKernel> {
  checkValues('createTestKernel()', options, KERNEL_RULES);
  const { plugins = [], storage = {}, adapter, contracts = [], network, clock, ...rest } = options;
  const module = await loadKernel();
  const packages = await packagesOf(plugins);
  const held = await holdClock(clock, rest.host);
  const realm = holdRealm();
  const recorder = new Recorder();
  const board = new Switchboard(held);
  const hosts = [rest.host ?? []].flat();
  // Inline guests come from a host of this kernel, so that they are held, too.
  const context = hosts.find((one) => one.context !== undefined)?.context ?? runtimeContext();
  const inline = module.inlineHost(context && { context });
  const isolation = rest.isolation ?? (hosts.length === 0 ? 'inline' : 'worker');
  let kernel: Kernel | undefined;
  try {
    kernel = await module.createKernel({
      // Calls over a direct lane are not announced, so none would be recorded.
      lanes: false,
      ...rest,
      host: [...hosts, inline].map((host) => withNetwork(board.guests.host(host), network)),
      isolation,
      sources: [sourceOf(packages), ...(rest.sources ?? [])],
      storage: board.storage(adapter ?? module.memoryStorage()),
      contracts: contracts.filter((one) => !isStub(one)) as readonly AnyContract[],
      middleware: [
        { target: 'command:*', name: 'test-record', use: recorder.around },
        { target: 'command:*', name: 'test-faults', use: board.around },
        ...(rest.middleware ?? []),
      ],
      telemetry: { log: recorder.sink(rest.telemetry) },
    });
    recorder.listen(kernel);
    for (const one of contracts)
      if (isStub(one)) kernel.provide(one.contract, one.handlers as never);
    for (const [id, values] of Object.entries(storage))
      await kernel.storage.of(id).import(Object.entries(values));
    await kernel.start();
  } catch (error) {
    held?.[Symbol.dispose]();
    await kernel?.stop({ drain: 0 });
    realm[Symbol.dispose]();
    throw error;
  }
  const tested = testKernelOf(kernel, recorder, board, realm);
  install(tested, board);
  return tested;
}

const isStub = (one: Stub | AnyContract): one is Stub => 'handlers' in one && 'contract' in one;

const KERNEL_RULES = {
  plugins: RULES.list,
  storage: RULES.objects,
  adapter: RULES.object,
  contracts: RULES.contracts,
  network: RULES.object,
  clock: RULES.clock,
};

const sourceOf = (packages: readonly PluginPackage[]): PluginSource => ({
  origin: 'test',
  async *discover() {
    yield* packages;
  },
});

/** The same host, which sends requests to the network of the test only. */
function withNetwork(host: Host, network: StubNetwork | undefined): Host {
  const send = networkOf(network);
  return new Proxy(host, {
    get: (target, key) => (key === 'send' ? send : (Reflect.get(target, key) as unknown)),
  });
}

async function holdClock(
  clock: TestKernelOptions['clock'],
  host: Host | readonly Host[] | undefined,
): Promise<InstalledClock | undefined> {
  if (clock === undefined || clock === false) return undefined;
  if (host !== undefined)
    throw createError(
      'kernel/invalid-option',
      "'clock' works for inline plugins only: a guest in another thread keeps its own time; leave 'host' or 'clock' out",
    );
  // It takes the platform's timers when it is loaded: what the runtime itself waits for is real.
  await import('@plinth/sdk/guest');
  return installClock(clock === true ? Date.now() : Number(clock.now));
}

function testKernelOf(
  kernel: Kernel,
  { calls, denials, logs }: Recorder,
  board: Switchboard,
  realm: Disposable,
): TestKernel {
  const { clock } = board;
  const stop: Kernel['stop'] = async (options) => {
    board.end();
    // What waits for the clock now waits for ever, so nothing is drained under it.
    const time = clock === undefined ? options : { ...options, drain: 0 };
    clock?.[Symbol.dispose]();
    try {
      await kernel.stop(time);
    } finally {
      realm[Symbol.dispose]();
    }
  };
  const own: Omit<TestKernel, keyof Kernel> & Pick<Kernel, 'stop' | typeof Symbol.asyncDispose> = {
    calls,
    denials,
    logs,
    get clock() {
      if (clock !== undefined) return clock;
      throw createError(
        'kernel/invalid-option',
        "this test kernel runs in real time: create it with 'clock: true'",
      );
    },
    storageOf: async (plugin) => Object.fromEntries(await kernel.storage.of(plugin).export()),
    stop,
    [Symbol.asyncDispose]: () => stop({ drain: 0 }),
  };
  return Object.defineProperties({} as TestKernel, {
    ...Object.getOwnPropertyDescriptors(kernel),
    ...Object.getOwnPropertyDescriptors(own),
  });
}
