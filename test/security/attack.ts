/**
 * Defines attacks and runs them. Each has a witness outside the guest that must see nothing, and a
 * control: the same attack without the wall, in which the witness must see something. So an attack
 * can't pass by doing nothing.
 */

import type { Kernel, KernelOptions, PackageInput } from '@plinth/kernel';
import type { ManifestInput } from '@plinth/sdk/contract';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { createBreachedHost, createHost, runtime } from '#host';
import { machineLate } from '#reference-clock';
import { type Setting, startKernel } from '../support/kernels.ts';
import { bundleOf, pluginOf } from '../support/plugins.ts';

export type Isolation = Setting['isolation'];

/** One attack. */
export interface Attack {
  readonly name: string;
  /** The only runtime where it makes sense, and why. */
  readonly only?: readonly [where: 'node' | 'browser', because: string];
  /** Further isolations in which it must fail; `sandbox` always is one. */
  readonly also?: readonly Isolation[];
  /** Attacks as a plugin would. Returns what the witness has seen, undefined when nothing. */
  attempt(isolation: Isolation): Promise<unknown>;
  /** The same without the wall. Returns what the witness has seen. */
  control(): Promise<unknown>;
}

/** Attacks by class. */
export type AttackClass = readonly [name: string, attacks: readonly Attack[]];

/** Creates the tests of a class: each attack against the wall. */
export function suite([name, attacks]: AttackClass): void {
  describe(`${runtime} sandbox: ${name}`, () => {
    beforeAll(() => loaded('sandbox'));
    for (const attack of here(attacks)) refused(attack, 'sandbox', attack.name);
  });
}

/** Creates the controls of a class, and its attacks against further isolations. */
export function controls([name, attacks]: AttackClass): void {
  describe(`${runtime} without a wall: ${name}`, () => {
    const walls = new Set(here(attacks).flatMap(({ also = [] }) => also));
    beforeAll(async () => {
      for (const isolation of walls) await loaded(isolation);
    });
    for (const attack of here(attacks)) {
      for (const isolation of attack.also ?? [])
        refused(attack, isolation, `${isolation}: ${attack.name}`);
      it(attack.name, async () => {
        expect(await attack.control()).toBeTruthy();
      });
    }
  });
}

/** The first guest loads texts and modules on this thread, which no attack is to blame for. */
async function loaded(isolation: Isolation): Promise<void> {
  const kernel = await startKernel({ isolation, createHost }, [neighbour]);
  await kernel.stop();
}

const here = (attacks: readonly Attack[]) =>
  attacks.filter(({ only }) => only === undefined || only[0] === runtime);

function refused({ attempt }: Attack, isolation: Isolation, name: string): void {
  it(name, async () => {
    const clock = await watchTimers();
    try {
      expect(await attempt(isolation)).toBeUndefined();
      expect(await clock.late(), "milliseconds by which the host's timers were late").toBeLessThan(
        LATE,
      );
    } finally {
      clock.stop();
    }
  });
}

/** Milliseconds by which the host's timers may be late, whatever a guest does. */
export const LATE = 1_000;

/**
 * Measures how late this thread's timers are, minus the lateness of an idle thread, which the
 * machine causes.
 */
export async function watchTimers(): Promise<{ late(): Promise<number>; stop(): void }> {
  const since = Date.now();
  await machineLate(since);
  let worst = 0;
  let expected = performance.now() + 50;
  const timer = setInterval(() => {
    worst = Math.max(worst, performance.now() - expected);
    expected = performance.now() + 50;
  }, 50);
  return { late: async () => worst - (await machineLate(since)), stop: () => clearInterval(timer) };
}

/** A secret that only the neighbour has. */
export const SECRET = 'the-secret-of-the-neighbour';

/** The plugin that must not be disturbed. */
export const neighbour = pluginOf(
  'test.neighbour',
  `await ctx.storage.set('key', '${SECRET}');
   ctx.commands.handle('ping', () => 'pong');
   ctx.commands.handle('read', () => ctx.storage.get('key'));
   ctx.commands.handle('whoCalls', (_, { caller, user, tenant }) => ({ caller, user, tenant }));`,
  { permissions: { storage: { read: true, write: true } } },
);

const command = (code: string) => `ctx.commands.handle('go', async (input, call) => { ${code} });`;

/** A plugin whose command `go` is the attack, with `ctx`, `input` and `call` in scope. */
const attacker = (code: string, manifest: Partial<ManifestInput> = {}, before = ''): PackageInput =>
  pluginOf('test.attacker', `${before}\n${command(code)}`, manifest);

/** How an attack is set up. */
export interface Scene {
  readonly manifest?: Partial<ManifestInput>;
  readonly options?: KernelOptions;
  /** Text before the command is registered. */
  readonly before?: string;
  readonly packages?: readonly PackageInput[];
  readonly input?: unknown;
  /** Makes the whole bundle from the text of `activate`. */
  readonly bundle?: ((activate: string) => string) | undefined;
}

/** A kernel with the attacker and the neighbour. */
export const startScene = (
  isolation: Isolation,
  code: string,
  { manifest, options, before = '', packages = [], bundle }: Scene = {},
  host = createHost,
): Promise<Kernel> =>
  startKernel(
    { isolation, createHost: host },
    [
      neighbour,
      ...packages,
      bundle === undefined
        ? attacker(code, manifest, before)
        : bundleOf('test.attacker', bundle(command(code)), manifest),
    ],
    {
      // The neighbour's own wall is not part of this, and is slow to build.
      isolation: ({ id }) => (id === 'test.attacker' ? isolation : 'worker'),
      ...options,
    },
  );

/** The attack's answer, or its error's code or message when it throws or doesn't answer in time. */
export async function attack(kernel: Kernel, input?: unknown, timeout = 5_000): Promise<unknown> {
  try {
    return await kernel.commands.execute('test.attacker:go', input, { timeout });
  } catch (error) {
    return `refused: ${(error as { code?: string }).code ?? ''} ${(error as Error).message}`;
  }
}

/** Objects of the host's realm that injected code could have changed. */
const watched = [
  Object,
  Function,
  Array,
  String,
  Number,
  Boolean,
  Symbol,
  Promise,
  Map,
  Set,
  WeakMap,
  Date,
  RegExp,
  Error,
  TypeError,
  ArrayBuffer,
  Uint8Array,
  Proxy,
];

/** Watches the host's realm: reports what has changed, and can restore it. */
export function watchHost(): { changed(): string | undefined; restore(): void } {
  const objects = [
    JSON,
    Math,
    Reflect,
    ...watched,
    ...watched.map((one) => one.prototype as object | undefined),
  ].filter((one) => one !== undefined) as object[];
  const before = objects.map(
    (one) => Object.getOwnPropertyDescriptors(one) as Record<PropertyKey, PropertyDescriptor>,
  );
  const each = (
    see: (one: object, key: PropertyKey, was: PropertyDescriptor | undefined) => void,
  ) => {
    for (const [index, one] of objects.entries()) {
      const were = before[index] as Record<PropertyKey, PropertyDescriptor>;
      for (const key of new Set([...Reflect.ownKeys(one), ...Reflect.ownKeys(were)])) {
        // Every regular expression that runs changes these.
        if (one === RegExp && key !== 'owned') continue;
        const [was, is] = [
          Object.hasOwn(were, key) ? were[key] : undefined,
          Reflect.getOwnPropertyDescriptor(one, key),
        ];
        if (!Object.is(was?.value, is?.value) || was?.get !== is?.get || was?.set !== is?.set)
          see(one, key, was);
      }
    }
  };
  return {
    changed() {
      const found: string[] =
        (globalThis as { owned?: unknown }).owned === undefined ? [] : ['owned'];
      each((_one, key) => void found.push(String(key)));
      return found.length === 0 ? undefined : `the host's ${found.join(', ')} changed`;
    },
    restore() {
      Reflect.deleteProperty(globalThis, 'owned');
      each(
        (one, key, was) =>
          void (was === undefined
            ? Reflect.deleteProperty(one, key)
            : Reflect.defineProperty(one, key, was)),
      );
    },
  };
}

/** Whether the neighbour still answers with its own data. */
export async function disturbed(kernel: Kernel): Promise<string | undefined> {
  try {
    if (
      (await kernel.commands.execute('test.neighbour:ping', undefined, { timeout: 3_000 })) !==
      'pong'
    )
      return 'the neighbour answers something else';
    if (
      (await kernel.commands.execute('test.neighbour:read', undefined, { timeout: 3_000 })) !==
      SECRET
    )
      return 'the neighbour has lost what it kept';
  } catch (error) {
    return `the neighbour is silent: ${(error as Error).message}`;
  }
  return undefined;
}

/** A separate path at the server that counts requests. */
export function witness(): { readonly at: string; seen(): Promise<string | undefined> } {
  const token = crypto.randomUUID();
  const server = inject('witness');
  return {
    at: `${server}/${token}`,
    async seen() {
      const list = (await (await fetch(`${server}/seen/${token}`)).json()) as string[];
      return list.length === 0 ? undefined : list.join(', ');
    },
  };
}

/**
 * What every attacker does with what it has found: it looks for a compiler or a global object of
 * the outer realm, and contacts the witness through it. It returns what is beyond the wall, if
 * anything.
 */
const LOOT = `
  const candidates = [];
  const found = (...values) => void candidates.push(...values);
  // For what is beyond the wall and yet no way out by itself.
  let told;
  const reached = (what) => { told ??= 'reached ' + what; };
  const attempt = async (run) => { try { return await run(); } catch { return undefined; } };
  const isOutside = (value) => { try { return (typeof value === 'object' || typeof value === 'function') && value !== null && ('process' in value || 'WorkerGlobalScope' in value || 'getBuiltinModule' in value || value.Object?.rawProcess !== undefined || value.Object?.rawFetch !== undefined); } catch { return false; } };
  const result = async (value) => { if (typeof value?.next === 'function') value = (await value.next()).value; return value; };
  const speak = (connect) => new Promise((done) => {
    const { hostname, port, pathname } = new URL(at);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('data', done); socket.on('error', done); socket.on('close', done);
    socket.write('GET ' + pathname + '/socket HTTP/1.0\\r\\n\\r\\n');
  });
  const plunder = async (beyond) => {
    for (const name of ['fetch', 'process', 'Function']) await attempt(() => delete beyond[name]);
    await attempt(() => beyond.fetch(at + '/fetch', { mode: 'no-cors' }));
    await attempt(() => speak((beyond.process ?? beyond).getBuiltinModule('node:net').connect));
    await attempt(() => speak(beyond.require('node:net').connect));
    // A guest has neither of its own; the control's realm keeps the real ones here.
    await attempt(() => beyond.Object.rawFetch(at + '/fetch', { mode: 'no-cors' }));
    await attempt(() => speak(beyond.Object.rawProcess.getBuiltinModule('node:net').connect));
  };
  const loot = async () => {
    const seen = new Set();
    let said;
    for (const candidate of candidates) {
      for (const look of [(one) => one, (one) => one.constructor, (one) => one.constructor.constructor, (one) => Object.getPrototypeOf(one).constructor]) {
        let one;
        try { one = look(candidate); } catch { continue; }
        if ((typeof one !== 'function' && typeof one !== 'object') || one === null || seen.has(one)) continue;
        seen.add(one);
        if (isOutside(one)) { said ??= 'reached ' + Object.prototype.toString.call(one); await plunder(one); }
        if (typeof one !== 'function') continue;
        const beyond = await attempt(async () => result(await one('return this')()));
        if (isOutside(beyond)) { said ??= 'reached a global object'; await plunder(beyond); }
        const net = await attempt(async () => result(await one("return import('node:net')")()));
        if (net?.connect) { said ??= 'loaded a module'; await attempt(() => speak(net.connect)); }
      }
    }
    return said ?? told;
  };`;

/**
 * An attack that passes everything it gets to `found(…)`, and then tries to escape through it. The
 * control is a `worker`, which is no wall.
 */
export function reaching(
  name: string,
  code: string,
  { scene, ...more }: Partial<Pick<Attack, 'only' | 'also'>> & { readonly scene?: Scene } = {},
): Attack {
  const run = async (isolation: Isolation, trusted: boolean, setting: Scene | undefined) => {
    const { at, seen } = witness();
    const host = watchHost();
    const head = `const at = ${JSON.stringify(at)}; ${LOOT}`;
    const kernel = await startScene(
      isolation,
      `${head}\n try { ${code} } catch (error) { found(error); }\n return loot();`,
      setting,
      trusted && isolation === 'worker' ? createBreachedHost : createHost,
    );
    const said = await attack(kernel, setting?.input);
    const got = typeof said === 'string' && !said.startsWith('refused:') ? said : undefined;
    return (
      (await seen()) ?? (trusted ? undefined : (got ?? host.changed() ?? (await disturbed(kernel))))
    );
  };
  return {
    name,
    ...more,
    attempt: (isolation) => run(isolation, isolation !== 'sandbox', scene),
    control: () => run('worker', true, { ...scene, bundle: undefined }),
  };
}
