/**
 * The lifecycle against a model: operations on five plugins that need each other, one at a time or
 * several at once. One at a time, the model predicts the answer of each operation and every state
 * afterwards. With several at once, it knows what must be true when everything has settled. Any
 * difference is a violation, and the run throws.
 *
 * Kept apart from the tests, so that deliberately broken kernels, hosts and plugins can be run
 * through it.
 */
import {
  createKernel,
  type Guest,
  type Host,
  inlineHost,
  type Kernel,
  type PackageInput,
  type PluginInfo,
  packageOf,
  packageSource,
} from '@plinth/kernel';
import { ERROR_CODES, PluginError } from '@plinth/sdk/contract';
import fc from 'fast-check';

// --- plugins
// -------------------------------------------------------------------------------------------------------

const NAMES = ['base', 'middle', 'top', 'wish', 'lone'] as const;
type Name = (typeof NAMES)[number];
/** What each plugin requires. */
const NEEDS: Partial<Record<Name, Name>> = { middle: 'base', top: 'middle' };
/** What each plugin uses if it is available. */
const WISHES: Partial<Record<Name, Name>> = { top: 'base', wish: 'middle' };
/** Versions of a package; the activation of the last one throws. */
const VERSIONS = { one: '1.0.0', two: '1.1.0', bad: '1.2.0' } as const;
type Which = keyof typeof VERSIONS;

const idOf = (name: Name) => `model.${name}`;
const keyOf = (name: Name, version: string) => `${idOf(name)}@${version}`;
const nameOf = (id: string) => id.replace(/^model\.([a-z]+).*/, '$1') as Name;

/** Creates the text of a plugin; a mutant changes it. */
export type PluginText = (text: string, name: Name) => string;

/**
 * Counts in its state what it has answered and heard, and includes the count in each answer. `life`
 * stays the same while its state is handed on.
 */
function packageFor(
  name: Name,
  which: Which,
  isolation: Setting['isolation'],
  change: PluginText,
): PackageInput {
  const version = VERSIONS[which];
  const below = NEEDS[name];
  // A worker's guest ends its own thread; inline the host does it.
  const crash = isolation === 'worker' ? `setTimeout(() => { throw new Error('gone'); }, 0);` : '';
  const code = `export default {
    state: { n: 0, life: '', tick: 0, served: [], fault: '' },
    getState() { return this.state; },
    restoreState(state) { this.state = state; },
    activate(ctx) {
      ${which === 'bad' ? `throw new Error('never');` : ''}
      const state = this.state;
      if (state.life === '') state.life = '${name} ' + Math.random().toString(36).slice(2);
      ctx.commands.handle('next', ({ call }) => {
        if (state.served.includes(call)) state.fault ||= 'call ' + call + ' was served twice';
        state.served.push(call);
        state.n += 1;
        return { version: '${version}', life: state.life, n: state.n, fault: state.fault };
      });
      ctx.commands.handle('crash', () => { ${crash} return new Promise(() => {}); });
      ctx.events.on('model:tick', ({ payload }) => {
        if (payload <= state.tick) state.fault ||= 'tick ' + payload + ' came after ' + state.tick;
        state.tick = payload;
      });
      ${below === undefined ? '' : `ctx.commands.handle('via', ({ call, timeout }) => ctx.commands.execute('${idOf(below)}:next', { call }, { timeout }));`}
    },
  };`;
  return {
    manifest: {
      id: idOf(name),
      version,
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      ...(below !== undefined && { dependencies: { [idOf(below)]: '^1.0.0' } }),
      ...(WISHES[name] !== undefined && {
        optionalDependencies: { [idOf(WISHES[name])]: '^1.0.0' },
      }),
      activation:
        name === 'lone' ? [`command:${idOf(name)}:next`, 'event:model:tick'] : ['startup'],
      permissions: {
        events: { subscribe: ['model:*'] },
        ...(below !== undefined && { commands: { execute: [`${idOf(below)}:*`] } }),
      },
    },
    code: change(code, name),
  };
}

// --- schedules
// -----------------------------------------------------------------------------------------------------

type Simple =
  | 'activate'
  | 'deactivate'
  | 'suspend'
  | 'resume'
  | 'hibernate'
  | 'reload'
  | 'enable'
  | 'disable'
  | 'uninstall'
  | 'rollback'
  | 'call'
  | 'via'
  | 'crash';

export type Operation =
  | { readonly kind: Simple; readonly name: Name }
  | {
      readonly kind: 'reload-with' | 'install' | 'update';
      readonly name: Name;
      readonly which: Which;
    }
  | { readonly kind: 'event' };

export interface Schedule {
  /** Operations of one batch are begun before the first of them is awaited. */
  readonly batches: readonly (readonly Operation[])[];
  /** Milliseconds in which an updated plugin that crashes is rolled back. */
  readonly trial: number;
}

const simple = (kind: Simple, weight: number, names: readonly Name[] = NAMES) => ({
  weight,
  arbitrary: fc.record({
    kind: fc.constant(kind),
    name: fc.constantFrom(...names),
  }) as fc.Arbitrary<Operation>,
});
const versioned = (kind: 'reload-with' | 'install' | 'update', weight: number) => ({
  weight,
  // Mostly of the plugin that others need.
  arbitrary: fc.record({
    kind: fc.constant(kind),
    name: fc.constantFrom('base', 'base', ...NAMES),
    which: fc.constantFrom('one', 'two', 'two', 'bad'),
  }) as fc.Arbitrary<Operation>,
});
const operation: fc.Arbitrary<Operation> = fc.oneof(
  simple('activate', 4),
  simple('deactivate', 4),
  simple('suspend', 3),
  simple('resume', 3),
  simple('hibernate', 4),
  simple('reload', 3),
  simple('enable', 2),
  simple('disable', 2),
  simple('uninstall', 3),
  simple('rollback', 3, ['base', 'base', ...NAMES]),
  simple('call', 5),
  simple('via', 3, ['middle', 'top']),
  simple('crash', 2),
  versioned('reload-with', 2),
  versioned('install', 2),
  versioned('update', 3),
  { weight: 2, arbitrary: fc.constant({ kind: 'event' }) },
);

/** Operations one after the other. */
export const sequences: fc.Arbitrary<Schedule> = fc.record({
  batches: fc.array(
    operation.map((one) => [one]),
    { minLength: 1, maxLength: 16, size: 'max' },
  ),
  trial: fc.constant(0),
});

/** Operations at once. */
export const storms: fc.Arbitrary<Schedule> = fc.record({
  batches: fc.array(fc.array(operation, { minLength: 1, maxLength: 4, size: 'max' }), {
    minLength: 1,
    maxLength: 8,
    size: 'max',
  }),
  trial: fc.constantFrom(0, 0, 1_000),
});

// --- where it runs
// -------------------------------------------------------------------------------------------------

/** Where a schedule runs, and what is broken there. */
export interface Setting {
  readonly isolation: 'inline' | 'worker';
  /** For workers. */
  readonly createHost?: () => Host;
  readonly changeHost?: (host: Host) => Host;
  readonly changeKernel?: (kernel: Kernel) => Kernel;
  readonly changePlugin?: PluginText;
}

/** A host that knows which guests live, and can end one like a crash. */
class CountingHost implements Host {
  readonly runtime?: string;
  readonly isolations: Host['isolations'];
  readonly #host: Host;
  readonly live = new Map<Guest, string>();
  readonly #crash = new Map<Guest, () => void>();
  launches = 0;

  constructor(host: Host) {
    this.#host = host;
    this.isolations = host.isolations;
    if (host.runtime !== undefined) this.runtime = host.runtime;
  }

  async launch(request: Parameters<Host['launch']>[0]): Promise<Guest> {
    const guest = await this.#host.launch(request);
    this.launches += 1;
    this.live.set(guest, `${request.plugin.id}@${request.plugin.version}`);
    const crashed = new Promise<Awaited<Guest['exited']>>((resolve) => {
      this.#crash.set(guest, () => {
        resolve({ kind: 'crashed', error: new Error('gone') });
        void guest.terminate();
      });
    });
    void guest.exited.then(() => {
      this.live.delete(guest);
      this.#crash.delete(guest);
    });
    return {
      endpoint: guest.endpoint,
      ...(guest.ports !== undefined && { ports: guest.ports }),
      exited: Promise.race([guest.exited, crashed]),
      terminate: () => guest.terminate(),
    };
  }

  crash(id: string): void {
    for (const [guest, key] of this.live) if (key.startsWith(`${id}@`)) this.#crash.get(guest)?.();
  }

  count(key: string): number {
    return [...this.live.values()].filter((one) => one === key).length;
  }

  async close(): Promise<void> {
    await this.#host.close?.();
  }
}

// --- what is expected
// ----------------------------------------------------------------------------------------------

/** A record as the model has it: `dependency`, `request` and `idle` are kinds of `suspended`. */
type State = 'resolved' | 'active' | 'request' | 'dependency' | 'idle' | 'unloaded' | 'failed';

interface Expected {
  readonly name: Name;
  readonly version: string;
  state: State;
  enabled: boolean;
  /** For one suspended by request: whether it has no guest. */
  asleep?: boolean;
  /** For a failed one: why it can't be retried. */
  unresolved?: string | undefined;
  /** For a failed one: whether only a dependency is missing. */
  lacking?: boolean;
}

/** The answer of an operation: an error code, or success. */
class Refusal extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

const OK = 'ok';

/** Predicts what operations do that run one at a time. */
class World {
  readonly records = new Map<string, Expected>();
  /** The version that a rollback restores, by the key of the current version. */
  readonly #previous = new Map<string, string>();

  constructor() {
    for (const name of NAMES)
      this.#put(name, VERSIONS.one, name === 'lone' ? 'resolved' : 'active');
  }

  describe(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      [...this.records]
        .map(([key, { state, enabled }]) => [key, `${state}${enabled ? '' : ' disabled'}`])
        .sort(),
    );
  }

  /** Applies an operation. Returns its code. */
  apply(operation: Operation): string {
    try {
      this.#apply(operation);
      return OK;
    } catch (error) {
      if (error instanceof Refusal) return error.code;
      throw error;
    }
  }

  /** A plugin has crashed too often. */
  quarantine(key: string): void {
    const record = this.records.get(key);
    if (record === undefined) return;
    record.state = 'failed';
    record.unresolved = undefined;
    this.#suspendDependants(record);
  }

  /** A crashed plugin is restarted, together with what it needs. */
  restart(name: Name): void {
    this.#attempt(() => this.#startDependencies(name, false, () => {}));
    this.#resumeDependants();
  }

  #apply(operation: Operation): void {
    switch (operation.kind) {
      case 'event':
        for (const record of this.records.values()) {
          if (
            record.state === 'idle' ||
            (record.name === 'lone' && record.state === 'resolved' && record.enabled)
          )
            this.#attempt(() => this.#start(record, false));
        }
        return;
      case 'activate':
        return this.#start(this.#find(operation.name), true);
      case 'deactivate':
        return this.#stop(this.#find(operation.name));
      case 'suspend': {
        const record = this.#find(operation.name);
        if (!isUp(record)) throw new Refusal('plugin/illegal-transition');
        record.asleep = isAsleep(record);
        record.state = 'request';
        return;
      }
      case 'resume': {
        const record = this.#find(operation.name);
        if (!isUp(record)) throw new Refusal('plugin/illegal-transition');
        if (record.state !== 'active') this.#start(record, true);
        return;
      }
      case 'hibernate': {
        const record = this.#find(operation.name);
        if (isAsleep(record)) return;
        if (record.state !== 'active') throw new Refusal('plugin/illegal-transition');
        record.state = 'idle';
        return;
      }
      case 'reload':
        this.#reload(this.#find(operation.name), undefined);
        return;
      case 'reload-with':
        this.#reload(this.#find(operation.name), VERSIONS[operation.which]);
        return;
      case 'enable':
        this.#find(operation.name);
        for (const record of this.#versions(operation.name)) record.enabled = true;
        for (const record of this.#versions(operation.name)) {
          if (
            record.name !== 'lone' &&
            (record.state === 'resolved' || record.state === 'unloaded')
          )
            this.#attempt(() => this.#start(record, true));
        }
        return;
      case 'disable':
        this.#find(operation.name);
        for (const record of this.#versions(operation.name)) record.enabled = false;
        for (const record of this.#versions(operation.name)) if (isUp(record)) this.#stop(record);
        return;
      case 'install':
        return this.#install(operation.name, VERSIONS[operation.which]);
      case 'uninstall':
        this.#find(operation.name);
        for (const record of this.#versions(operation.name)) {
          this.#previous.delete(keyOf(record.name, record.version));
          this.#stop(record);
          this.records.delete(keyOf(record.name, record.version));
        }
        this.#resolve();
        return;
      case 'update':
        return this.#update(operation.name, VERSIONS[operation.which]);
      case 'rollback':
        return this.#rollback(operation.name);
      case 'call':
      case 'crash':
        this.#call(operation.name, operation.kind === 'call');
        if (operation.kind === 'crash') throw new Refusal('guest/crashed');
        return;
      case 'via': {
        this.#call(operation.name, false);
        return this.#call(NEEDS[operation.name] as Name, true);
      }
    }
  }

  /** The record that answers a call, activated if the call wakes it. */
  #call(name: Name, wakes: boolean): void {
    const versions = this.#versions(name);
    const isLazy = ({ state, enabled }: Expected) =>
      name === 'lone' && wakes && state === 'resolved' && enabled;
    const record = versions.find((one) => isUp(one) || isLazy(one));
    if (record === undefined)
      throw new Refusal(versions.length === 0 ? 'call/unknown-command' : 'plugin/unavailable');
    if (isLazy(record)) return this.#start(record, false);
    if (record.state === 'request') throw new Refusal('call/timeout');
    if (record.state === 'dependency') throw new Refusal('plugin/dependency-failed');
    if (record.state === 'idle') this.#start(record, false);
  }

  /** @param named whether the start was requested by name. */
  #start(record: Expected, named: boolean): void {
    const { name } = record;
    if (!record.enabled) throw new Refusal('plugin/disabled');
    if (record.state === 'active' || (record.state === 'request' && !named)) return;
    if (record.state === 'failed' && record.unresolved !== undefined)
      throw new Refusal(record.unresolved);
    this.#startDependencies(name, named, () => {
      if (!isUp(record)) {
        record.state = 'failed';
        record.unresolved = undefined;
        record.lacking = true;
      }
    });
    const stays = record.state === 'request' || record.state === 'dependency';
    if (!stays && record.version === VERSIONS.bad) {
      record.state = 'failed';
      record.unresolved = undefined;
      record.lacking = false;
      throw new Refusal('plugin/activation-failed');
    }
    record.lacking = false;
    record.state = 'active';
    this.#resumeDependants();
  }

  #startDependencies(name: Name, named: boolean, onFailure: () => void): void {
    for (const other of [NEEDS[name], WISHES[name]]) {
      if (other === undefined) continue;
      const best = this.#versions(other)[0];
      // An optional dependency that is unavailable is ignored.
      if (other === WISHES[name] && this.#unresolved(other) !== undefined) continue;
      if (best === undefined || isThere(best, this.#all)) continue;
      // What can't be resolved any more keeps its former dependencies.
      if (other === WISHES[name] && this.#unresolved(name) !== undefined && this.#isThere(other))
        continue;
      if (best.state === 'failed' || (best.state === 'unloaded' && !named)) continue;
      this.#attempt(() => this.#start(best, named));
    }
    const need = NEEDS[name];
    if (need === undefined || this.#isThere(need)) return;
    onFailure();
    throw new Refusal('plugin/dependency-failed');
  }

  #stop(record: Expected): void {
    this.#suspendDependants(record);
    // A plugin that has not been started isn't woken any more either.
    if (isUp(record) || record.state === 'resolved') record.state = 'unloaded';
  }

  #suspendDependants(record: Expected): void {
    if (this.#versions(record.name).some((other) => other !== record && isThere(other, this.#all)))
      return;
    for (const dependant of this.records.values()) {
      if (NEEDS[dependant.name] !== record.name || !isUp(dependant) || isAsleep(dependant))
        continue;
      // Its own dependents pause with it, even if it was suspended by request.
      this.#suspendDependants(dependant);
      if (dependant.state === 'active') dependant.state = 'dependency';
    }
  }

  #resumeDependants(): void {
    for (let again = true; again; ) {
      again = false;
      for (const record of this.records.values()) {
        const need = NEEDS[record.name];
        if (need === undefined || !this.#isThere(need)) continue;
        if (record.state === 'dependency') record.state = 'active';
        else if (record.state === 'failed' && record.lacking === true && record.enabled) {
          // What failed because something was missing is retried.
          record.lacking = false;
          record.state = 'resolved';
          this.#attempt(() => this.#start(record, false));
        } else continue;
        again = true;
      }
    }
  }

  /** Returns the record that exists now. */
  #reload(record: Expected, version: string | undefined): Expected {
    const to = version ?? record.version;
    if (!record.enabled) throw new Refusal('plugin/disabled');
    if (to !== record.version) this.#checkFree(record.name, to);
    if (version !== undefined) this.#checkResolvable(record.name);
    // A hibernated one wakes as the next one, or stays hibernated; one paused by request stays so.
    if (isUp(record)) {
      const paused = !isAsleep(record) && record.state !== 'active';
      this.#startDependencies(record.name, !paused, () => {});
      if (to === VERSIONS.bad) throw new Refusal('plugin/activation-failed');
      const next = this.#exchange(
        record,
        to,
        paused && record.state === 'request' ? 'request' : 'active',
      );
      this.#resumeDependants();
      return next;
    }
    this.#suspendDependants(record);
    const before = { ...record };
    const next = this.#exchange(
      record,
      to,
      version !== undefined
        ? 'resolved'
        : isUp(record) || record.state === 'resolved'
          ? 'unloaded'
          : record.state,
    );
    this.#resolve();
    try {
      this.#start(next, true);
    } catch (error) {
      if (version === undefined) throw error;
      // It is back as it was; if it had a guest, it is started again.
      const again = this.#exchange(next, before.version, isUp(before) ? 'resolved' : before.state);
      this.#resolve();
      if (isUp(before)) this.#attempt(() => this.#start(again, true));
      throw error;
    }
    return next;
  }

  #install(name: Name, version: string): void {
    this.#checkFree(name, version);
    this.#checkResolvable(name);
    this.#put(name, version, 'resolved');
    this.#resolve();
    this.#resumeDependants();
  }

  #update(name: Name, version: string): void {
    const old = this.#find(name);
    if (version <= old.version) throw new Refusal('plugin/downgrade');
    this.#checkFree(name, version);
    const before = { ...old };
    try {
      if (isUp(old)) this.#reload(old, version);
      else {
        this.#checkResolvable(name);
        this.#exchange(old, version, old.state === 'unloaded' ? 'unloaded' : 'resolved');
        this.#resolve();
      }
    } catch (error) {
      // All or nothing; what it needs may have been started.
      this.records.delete(keyOf(name, version));
      this.records.set(keyOf(name, old.version), before);
      throw error;
    }
    this.#previous.delete(keyOf(name, old.version));
    this.#previous.set(keyOf(name, version), old.version);
  }

  #rollback(name: Name): void {
    this.#find(name);
    const current = this.#versions(name).find(({ version }) =>
      this.#previous.has(keyOf(name, version)),
    );
    if (current === undefined) throw new Refusal('plugin/no-previous-version');
    const of = keyOf(name, current.version);
    const previous = this.#previous.get(of) as string;
    this.#checkFree(name, previous);
    if (isUp(current)) {
      this.#reload(current, previous);
      this.#previous.delete(of);
      this.#resolve();
      return;
    }
    this.#checkResolvable(name);
    const runs = current.state === 'failed' && current.enabled;
    this.#suspendDependants(current);
    const next = this.#exchange(
      current,
      previous,
      current.state === 'unloaded' ? 'unloaded' : 'resolved',
    );
    this.#previous.delete(of);
    this.#resolve();
    if (runs) this.#start(next, true);
  }

  #checkResolvable(name: Name): void {
    const unresolved = this.#unresolved(name);
    if (unresolved !== undefined) throw new Refusal(unresolved);
  }

  #checkFree(name: Name, version: string): void {
    const other = this.records.get(keyOf(name, version));
    if (other !== undefined && other.state !== 'failed') throw new Refusal('plugin/duplicate');
  }

  #exchange(record: Expected, version: string, state: State): Expected {
    this.records.delete(keyOf(record.name, record.version));
    const next = this.#put(record.name, version, state, record.enabled);
    if (state === 'failed') next.unresolved = record.unresolved;
    return next;
  }

  /** Resolves the plugins again that have not been started. */
  #resolve(): void {
    for (const record of this.records.values()) {
      if (
        record.state !== 'resolved' &&
        !(record.state === 'failed' && record.unresolved !== undefined)
      )
        continue;
      record.unresolved = this.#unresolved(record.name);
      record.state = record.unresolved === undefined ? 'resolved' : 'failed';
    }
  }

  #unresolved(name: Name): string | undefined {
    const need = NEEDS[name];
    if (need === undefined) return undefined;
    if (this.#versions(need).length === 0) return 'plugin/unsatisfied';
    return this.#unresolved(need) === undefined ? undefined : 'plugin/dependency-failed';
  }

  #isThere(name: Name): boolean {
    return this.#versions(name).some((record) => isThere(record, this.#all));
  }

  #find(name: Name): Expected {
    const [record] = this.#versions(name);
    if (record === undefined) throw new Refusal('plugin/not-found');
    return record;
  }

  get #all(): readonly Expected[] {
    return [...this.records.values()];
  }

  /** The highest first. */
  #versions(name: Name): readonly Expected[] {
    return [...this.records.values()]
      .filter((one) => one.name === name)
      .sort((a, b) => (a.version < b.version ? 1 : -1));
  }

  #put(name: Name, version: string, state: State, enabled = true): Expected {
    const record: Expected = { name, version, state, enabled };
    this.records.set(keyOf(name, version), record);
    return record;
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
}

const isAsleep = ({ state, asleep }: Expected) =>
  state === 'idle' || (state === 'request' && asleep === true);
const isUp = ({ state }: { readonly state: State }) =>
  state === 'active' || state === 'request' || state === 'dependency' || state === 'idle';
/**
 * Whether others can depend on a plugin: calls at worst wait for it. One that is paused by request
 * resumes only with what it needs itself.
 */
function isThere(record: Expected, all: readonly Expected[]): boolean {
  const need = NEEDS[record.name];
  if (record.state === 'request' && record.asleep !== true && need !== undefined)
    return all.some((other) => other.name === need && isThere(other, all));
  return isUp(record) && record.state !== 'dependency';
}

// --- runs
// ----------------------------------------------------------------------------------------------------------

interface Answer {
  readonly version: string;
  readonly life: string;
  readonly n: number;
  readonly fault: string;
}

/** Operations after which a plugin may have lost its state. */
const FORGETTING: ReadonlySet<Operation['kind']> = new Set([
  'deactivate',
  'disable',
  'uninstall',
  'crash',
  'rollback',
]);

/** Operations that may lose it when they fail, because the plugin was stopped for them. */
const RELOADING: ReadonlySet<Operation['kind']> = new Set(['reload', 'reload-with', 'update']);

/** The states from which each event may be emitted. */
const PATHS: Readonly<Record<string, readonly [from: readonly string[], to: string | undefined]>> =
  {
    'plugin:validated': [['none', 'discovered'], 'validated'],
    'plugin:resolved': [['none', 'validated', 'failed', 'unloaded'], 'resolved'],
    // The event is emitted only when the plugin is resolved; it may have started by then.
    'plugin:installed': [
      ['none', 'resolved', 'failed', 'loaded', 'initialized', 'active'],
      undefined,
    ],
    // A plugin that loses a dependency while it starts goes back without an event. So does one that
    // can't be woken.
    'plugin:loaded': [
      ['resolved', 'unloaded', 'failed', 'asleep', 'loaded', 'initialized'],
      'loaded',
    ],
    'plugin:initialized': [['loaded'], 'initialized'],
    'plugin:activated': [['initialized', 'active'], 'active'],
    'plugin:suspended': [['active'], 'suspended'],
    'plugin:resumed': [['suspended'], 'active'],
    'plugin:deactivated': [['active', 'suspended', 'loaded', 'initialized', 'asleep'], undefined],
    'plugin:unloaded': [
      ['active', 'suspended', 'asleep', 'loaded', 'initialized', 'resolved', 'unloaded', 'failed'],
      'unloaded',
    ],
    'plugin:crashed': [['active', 'suspended', 'loaded', 'initialized'], undefined],
    'plugin:reloaded': [['active', 'suspended', 'failed'], undefined],
  };

/** Milliseconds in which an expected state must be reached. */
const PATIENCE = { inline: 2_000, worker: 10_000 } as const;
const SOON = 10_000;
const NEVER = 15_000;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

class Run {
  readonly #schedule: Schedule;
  readonly #setting: Setting;
  readonly #sequential: boolean;
  readonly #host: CountingHost;
  readonly #world = new World();
  #kernel!: Kernel;
  readonly #violations: string[] = [];
  readonly #paths = new Map<string, string>();
  readonly #story: string[] = [];
  /** Numbers of each life. */
  readonly #numbers = new Map<string, Set<number>>();
  /** The life of each plugin that was up after the last batch; undefined when unknown. */
  #lives = new Map<Name, string>();
  readonly #forgetful = new Set<Name>();
  /** Plugins that have crashed, with the time. */
  readonly #crashes = new Map<Name, number>();
  readonly #quarantined = new Set<string>();
  #call = 0;
  #tick = 0;

  constructor(schedule: Schedule, setting: Setting) {
    this.#schedule = schedule;
    this.#setting = setting;
    this.#sequential = schedule.trial === 0 && schedule.batches.every(({ length }) => length === 1);
    const host =
      setting.isolation === 'inline' ? inlineHost() : (setting.createHost as () => Host)();
    this.#host = new CountingHost(setting.changeHost?.(host) ?? host);
  }

  async go(): Promise<void> {
    const { isolation, changeKernel } = this.#setting;
    const kernel = await createKernel({
      host: this.#host,
      ...(isolation === 'inline' && { isolation }),
      sources: [packageSource(NAMES.map((name) => this.#package(name, 'one')))],
      supervision: { backoff: 4, maxBackoff: 8, crashes: 3, snapshot: 20 },
      limits: { swap: 400, trial: this.#schedule.trial },
    });
    this.#kernel = changeKernel?.(kernel) ?? kernel;
    this.#listen();
    try {
      await this.#kernel.start();
      await this.#compare('start');
      for (const batch of this.#schedule.batches) {
        this.#story.push(batch.map(textOf).join(' | '));
        if (this.#sequential) await this.#one(batch[0] as Operation);
        else await this.#several(batch);
        await this.#settle();
        await this.#probe();
        this.#check(this.#violations.length === 0, this.#violations[0] ?? '');
      }
    } finally {
      const stopped = await within(
        kernel.stop().then(() => true),
        NEVER,
      );
      this.#check(stopped === true, 'stop() never settled');
    }
    for (let waited = 0; this.#host.live.size > 0 && waited < 5_000; waited += 10) await pause(10);
    this.#check(
      this.#host.live.size === 0,
      `guests outlive the kernel: ${[...this.#host.live.values()].join(', ')}`,
    );
    this.#check(this.#violations.length === 0, this.#violations[0] ?? '');
  }

  // --- one at a time
  // -------------------------------------------------------------------------------------------------

  async #one(operation: Operation): Promise<void> {
    const before = this.#world.describe();
    const expected = this.#world.apply(operation);
    const timeout = expected === 'call/timeout' ? 60 : SOON;
    const over = operation.kind === 'crash' ? this.#comeback(operation.name) : undefined;
    const code = await this.#run(operation, timeout, timeout / 2);
    this.#check(
      code === expected,
      `${textOf(operation)}: ${code} in place of ${expected}, before: ${JSON.stringify(before)}`,
    );
    if (over !== undefined && expected === 'guest/crashed') {
      this.#check(
        (await within(over, PATIENCE[this.#setting.isolation])) === true,
        `${textOf(operation)}: neither restarted nor given up`,
      );
      if (this.#quarantined.size === 0 && operation.kind === 'crash')
        this.#world.restart(operation.name);
      for (const key of this.#quarantined) this.#world.quarantine(key);
      this.#quarantined.clear();
    }
    await this.#compare(textOf(operation), before);
  }

  /** Resolves when a plugin has been restarted, or quarantined. */
  #comeback(name: Name): Promise<true> {
    return new Promise((resolve) => {
      const listeners = ['plugin:restarted', 'plugin:quarantined'].map((topic) =>
        this.#kernel.events.on(topic, ({ payload }) => {
          if ((payload as { readonly id: string }).id !== idOf(name)) return;
          for (const listener of listeners) listener.dispose();
          resolve(true);
        }),
      );
    });
  }

  /** The actual states must become what the model says. */
  async #compare(what: string, before?: object): Promise<void> {
    const expected = JSON.stringify(this.#world.describe());
    let found = '';
    for (
      const end = performance.now() + PATIENCE[this.#setting.isolation];
      performance.now() < end;
      await pause(4)
    ) {
      found = JSON.stringify(this.#describe());
      if (found === expected) return;
    }
    this.#check(
      false,
      `after ${what}:\n  found    ${found}\n  expected ${expected}\n  before   ${JSON.stringify(before)}`,
    );
  }

  #describe(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.#records()
        .map(({ key, state, enabled }) => [key, `${state}${enabled ? '' : ' disabled'}`])
        .sort(),
    );
  }

  #records() {
    return this.#kernel.plugins.list().map((info: PluginInfo) => ({
      info,
      key: `${info.id}@${info.version}`,
      name: nameOf(info.id),
      state: (info.state === 'suspended' ? info.reason : info.state) as State,
      enabled: info.enabled,
    }));
  }

  // --- at once
  // -------------------------------------------------------------------------------------------------------

  async #several(batch: readonly Operation[]): Promise<void> {
    await Promise.all(batch.map((operation) => this.#run(operation, 600, 300)));
  }

  // --- operations
  // ----------------------------------------------------------------------------------------------------

  #package(name: Name, which: Which): PackageInput {
    return packageFor(
      name,
      which,
      this.#setting.isolation,
      this.#setting.changePlugin ?? ((text) => text),
    );
  }

  /** Runs an operation to its end. Returns its code. */
  async #run(operation: Operation, timeout: number, below: number): Promise<string> {
    const bad = 'which' in operation && operation.which === 'bad';
    if (operation.kind !== 'event' && (bad || FORGETTING.has(operation.kind)))
      this.#forgetful.add(operation.name);
    const outcome = await within(
      this.#begin(operation, timeout, below).then(
        (value) => ({ value, error: undefined }),
        (error: unknown) => ({ value: undefined, error }),
      ),
      NEVER,
    );
    if (outcome === undefined) return this.#violate(`${textOf(operation)} never settled`);
    const { value, error } = outcome;
    if (error !== undefined && RELOADING.has(operation.kind) && 'name' in operation)
      this.#forgetful.add(operation.name);
    if (error === undefined) {
      if (operation.kind === 'call') this.#answered(operation.name, value as Answer);
      if (operation.kind === 'via') this.#answered(NEEDS[operation.name] as Name, value as Answer);
      return OK;
    }
    if (!(error instanceof PluginError) || !Object.hasOwn(ERROR_CODES, error.code))
      return this.#violate(`${textOf(operation)} rejects with ${String(error)}`);
    return error.code;
  }

  #begin(operation: Operation, timeout: number, below: number): Promise<unknown> {
    const { plugins, commands, events } = this.#kernel;
    if (operation.kind === 'event') return events.emit('model:tick', ++this.#tick);
    const { kind, name } = operation;
    const id = idOf(name);
    switch (kind) {
      case 'reload-with':
        return plugins.reload(id, packageOf(this.#package(name, operation.which)));
      case 'install':
        return plugins.install(packageOf(this.#package(name, operation.which)));
      case 'update':
        return plugins.update(id, packageOf(this.#package(name, operation.which)));
      case 'call':
        return commands.execute(`${id}:next`, { call: ++this.#call }, { timeout });
      case 'via':
        return commands.execute(`${id}:via`, { call: ++this.#call, timeout: below }, { timeout });
      case 'crash': {
        const answer = commands.execute(`${id}:crash`, undefined, { timeout });
        if (this.#setting.isolation === 'inline') void this.#crashInline(id, answer);
        return answer;
      }
      default:
        return plugins[kind](id);
    }
  }

  /** Ends a guest once it has been told to crash; one that wasn't reached lives on. */
  async #crashInline(id: string, answer: Promise<unknown>): Promise<void> {
    let over = false;
    answer
      .catch(() => {})
      .finally(() => {
        over = true;
      });
    const isActive = () =>
      this.#records().some(({ info, state }) => info.id === id && state === 'active');
    for (let turn = 0; turn < 20 && !over && !isActive(); turn++) await pause(1);
    await pause(1);
    if (!over && isActive()) this.#host.crash(id);
  }

  #answered(name: Name, { version, life, n, fault }: Answer): void {
    if (fault !== '') this.#violate(`${idOf(name)} says: ${fault}`);
    if (
      !this.#records().some((record) => record.name === name && record.info.version === version)
    ) {
      // A guest that was replaced while it answered has ended. One at a time, that can't happen.
      if (this.#sequential)
        this.#violate(`${idOf(name)} answered as ${version}, which isn't there`);
    }
    if (this.#sequential) {
      const [first] = this.#records()
        .filter((record) => record.name === name && isUp(record))
        .sort((a, b) => ((a.info.version as string) < (b.info.version as string) ? 1 : -1));
      if (first?.info.version !== version)
        this.#violate(`${idOf(name)} answered as ${version} in place of ${first?.info.version}`);
    }
    this.#numbered(name, life, n);
  }

  /** @param last whether no other answer is in flight. */
  #numbered(name: Name, life: string, n: number, last = this.#sequential): void {
    const numbers = this.#numbers.get(life) ?? new Set();
    this.#numbers.set(life, numbers);
    // After a crash it continues from its last snapshot.
    const loose = this.#crashes.has(name);
    if (loose) numbers.clear();
    const highest = Math.max(0, ...numbers);
    const follows = this.#sequential ? n === highest + 1 : last ? n > highest : !numbers.has(n);
    if (!follows && !loose) this.#violate(`${idOf(name)} gave ${n} after ${highest}`);
    numbers.add(n);
    if (!life.startsWith(name)) this.#violate(`${idOf(name)} answered with the state of ${life}`);
  }

  // --- what must be true
  // ---------------------------------------------------------------------------------------------

  async #settle(): Promise<void> {
    let problem: string | undefined;
    for (
      const end = performance.now() + PATIENCE[this.#setting.isolation];
      performance.now() < end;
      await pause(4)
    ) {
      problem = this.#unsettled();
      if (problem === undefined) return;
    }
    this.#check(false, `${problem}; there is ${JSON.stringify(this.#describe())}`);
  }

  /** What isn't as it must be when no operation is running. */
  #unsettled(): string | undefined {
    const records = this.#records();
    const all = records.map(({ info, key, ...record }) => ({
      ...record,
      version: info.version as string,
      asleep: this.#host.count(key) === 0,
    }));
    const there = (name: Name) =>
      all.some((record) => record.name === name && isThere(record, all));
    for (const { info, key, name, state, enabled } of records) {
      const need = NEEDS[name];
      const legal =
        isUp({ state }) || state === 'resolved' || state === 'unloaded' || state === 'failed';
      if (!legal) return `${key} stays ${state}`;
      if (!enabled && isUp({ state })) return `${key} is disabled, and ${state}`;
      if (state === 'active' && need !== undefined && !there(need))
        return `${key} is active without ${need}`;
      if (state === 'dependency' && need !== undefined && there(need))
        return `${key} waits for ${need}, which is there`;
      const crash = this.#crashes.get(name) ?? Number.NEGATIVE_INFINITY;
      const onTheWay =
        state === 'failed' &&
        info.error?.code?.startsWith('guest/') === true &&
        !this.#quarantined.has(key) &&
        performance.now() - crash < 150;
      if (onTheWay) return `${key} is on its way back`;
      const guests = this.#host.count(key);
      const [least, most] =
        state === 'active' || state === 'dependency'
          ? [1, 1]
          : state === 'request'
            ? [0, 1]
            : [0, 0];
      if (guests < least || guests > most) return `${key} is ${state} and has ${guests} guests`;
      const told = this.#paths.get(key);
      const fits =
        state === 'request' || state === 'dependency' || state === 'idle'
          ? told === 'suspended' || told === 'asleep'
          : told === state || (state === 'resolved' && !isUpWord(told));
      // A failed plugin that is put back emits no second event. A hibernated one that can't be
      // woken goes back without an event.
      if (
        !fits &&
        !(state === 'failed' && told === 'none') &&
        !(
          (state === 'idle' || state === 'request') &&
          (told === 'loaded' || told === 'initialized')
        )
      )
        return `${key} is ${state}, and its events say ${told}`;
    }
    for (const key of this.#host.live.values())
      if (!records.some((record) => record.key === key))
        return `a guest of ${key} lives, which is gone`;
    return undefined;
  }

  /**
   * Every active plugin answers with the next number; a plugin that was up and had no reason to
   * lose its state still has it.
   */
  async #probe(): Promise<void> {
    const lives = new Map<Name, string>();
    const records = this.#records();
    for (const { name, info, state } of records) {
      const versions = records.filter((record) => record.name === name && isUp(record));
      if (state !== 'active') {
        const before = this.#lives.get(name);
        if (
          isUp({ state }) &&
          versions.length === 1 &&
          before !== undefined &&
          !this.#forgetful.has(name)
        )
          lives.set(name, before);
        continue;
      }
      const outcome = await this.#kernel.commands
        .execute(
          `${info.id}:next`,
          { call: ++this.#call },
          { timeout: SOON, version: info.version as string },
        )
        .catch((error: unknown) => error as Error);
      if (outcome instanceof Error) {
        // A call that was still in flight may have come in between.
        if (this.#sequential)
          this.#violate(
            `${info.id}@${info.version} is active and doesn't answer: ${outcome.message}`,
          );
        continue;
      }
      const { version, life, n, fault } = outcome as Answer;
      if (fault !== '') this.#violate(`${info.id} says: ${fault}`);
      if (version !== info.version)
        this.#violate(`${info.id}@${info.version} answers as ${version}`);
      this.#numbered(name, life, n, true);
      const before = this.#lives.get(name);
      if (versions.length > 1) continue;
      if (before !== undefined && before !== life && !this.#forgetful.has(name))
        this.#violate(`${info.id} has forgotten its state`);
      lives.set(name, life);
    }
    this.#lives = lives;
    this.#forgetful.clear();
    // One that isn't back yet will continue from its snapshot.
    for (const name of [...this.#crashes.keys()])
      if (records.some((record) => record.name === name && record.state === 'active'))
        this.#crashes.delete(name);
  }

  #listen(): void {
    for (const name of NAMES)
      for (const which of Object.values(VERSIONS)) this.#paths.set(keyOf(name, which), 'none');
    for (const [topic, [from, to]] of Object.entries(PATHS)) {
      this.#kernel.events.on(topic, ({ payload }) => {
        const { id, version, activatedBy } = payload as {
          readonly id: string;
          readonly version?: string;
          readonly activatedBy?: string;
        };
        const key = `${id}@${version}`;
        const at = this.#paths.get(key) ?? 'none';
        if (topic === 'plugin:crashed') {
          this.#crashes.set(nameOf(id), performance.now());
          this.#forgetful.add(nameOf(id));
        }
        // A replacement emits its event when it is complete.
        const swapped = topic === 'plugin:activated' && activatedBy === 'reload';
        // A newly installed plugin.
        const fresh = at === 'none' && (topic === 'plugin:loaded' || topic === 'plugin:unloaded');
        if (!from.includes(at) && !swapped && !fresh)
          this.#violate(`${key}: ${topic} while it is ${at}`);
        if (
          topic === 'plugin:suspended' &&
          this.#records().some((record) => record.key === key && record.state === 'idle')
        )
          this.#paths.set(key, 'asleep');
        else if (to !== undefined) this.#paths.set(key, to);
        else if (topic === 'plugin:installed' && (at === 'none' || at === 'failed'))
          this.#paths.set(
            key,
            this.#records().find((record) => record.key === key)?.state === 'failed'
              ? 'failed'
              : 'resolved',
          );
        if (swapped)
          for (const other of Object.values(VERSIONS))
            if (other !== version && !this.#has(`${id}@${other}`))
              this.#paths.set(`${id}@${other}`, 'none');
      });
    }
    this.#kernel.events.on('plugin:failed', ({ payload }) => {
      for (const { key, info, state } of this.#records())
        if (info.id === (payload as { id: string }).id && state === 'failed')
          this.#paths.set(key, 'failed');
    });
    // A version that ends, for any reason.
    for (const topic of [
      'plugin:uninstalled',
      'plugin:updated',
      'plugin:rolled-back',
      'plugin:reloaded',
      'plugin:resolved',
      'plugin:failed',
    ]) {
      this.#kernel.events.on(topic, ({ payload }) => {
        const { id } = payload as { readonly id: string };
        for (const version of Object.values(VERSIONS))
          if (!this.#has(`${id}@${version}`)) this.#paths.set(`${id}@${version}`, 'none');
      });
    }
    this.#kernel.events.on('plugin:quarantined', ({ payload }) => {
      const { id } = payload as { readonly id: string };
      for (const { key, info, state } of this.#records())
        if (info.id === id && state === 'failed') this.#quarantined.add(key);
    });
  }

  #has(key: string): boolean {
    return this.#records().some((record) => record.key === key);
  }

  #violate(what: string): string {
    this.#violations.push(what);
    return what;
  }

  #check(sound: boolean, what: string): void {
    if (!sound) throw new Error(`${what}\n  after: ${this.#story.join('\n         ')}`);
  }
}

const isUpWord = (told: string | undefined) =>
  told === 'active' || told === 'suspended' || told === 'asleep';

function textOf(operation: Operation): string {
  if (operation.kind === 'event') return 'event';
  return `${operation.kind} ${operation.name}${'which' in operation ? ` ${operation.which}` : ''}`;
}

/** What a promise resolves to; undefined when it takes longer. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  const value = await Promise.race([promise, late]);
  clearTimeout(timer);
  return value;
}

/** Runs a schedule. Throws the violation. */
export async function runSchedule(schedule: Schedule, setting: Setting): Promise<void> {
  await new Run(schedule, setting).go();
}
