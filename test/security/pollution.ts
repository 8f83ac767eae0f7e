/** Prototypes and built-ins of the host, changed from inside a guest or by its messages. */
import type { Kernel } from '@plinth/kernel';
import {
  type Attack,
  type AttackClass,
  attack,
  disturbed,
  type Isolation,
  type Scene,
  startScene,
  watchHost,
} from './attack.ts';

/** Changes built-ins where it runs. The control runs it inline, where they are the host's. */
function inGuest(name: string, code: string): Attack {
  const run = async (isolation: Isolation) => {
    const host = watchHost();
    try {
      const kernel = await startScene(isolation, code);
      const before = host.changed();
      await attack(kernel);
      return before ?? host.changed() ?? (await disturbed(kernel));
    } finally {
      host.restore();
    }
  };
  return { name, also: ['worker'], attempt: run, control: () => run('inline') };
}

const EVIL = `{"__proto__":{"owned":true},"constructor":{"prototype":{"owned":true}},"a":{"__proto__":{"owned":true}}}`;

/** A careless deep merge, as many programs have it. */
function merge(target: Record<string, unknown>, from: Record<string, unknown>): void {
  for (const key of Object.keys(from)) {
    const [mine, theirs] = [target[key], from[key]];
    if (
      typeof theirs === 'object' &&
      theirs !== null &&
      (typeof mine === 'object' || typeof mine === 'function') &&
      mine !== null
    )
      merge(mine as Record<string, unknown>, theirs as Record<string, unknown>);
    else target[key] = theirs;
  }
}

/**
 * Sends a value with hostile keys, or under a hostile name. The control does with it what the
 * kernel must not do.
 */
function bySending(
  name: string,
  code: string,
  scene: Scene & { readonly afterwards?: (kernel: Kernel) => Promise<unknown> } = {},
): Attack {
  return {
    name,
    also: ['worker'],
    async attempt(isolation) {
      const host = watchHost();
      const heard: unknown[] = [];
      const kernel = await startScene(
        isolation,
        `const evil = JSON.parse('${EVIL}'); ${code}`,
        scene,
      );
      kernel.events.on('*', ({ payload }) => void heard.push(payload));
      const said = await attack(kernel);
      await scene.afterwards?.(kernel).catch(() => {});
      const changed = [said, ...heard].filter(
        (one) =>
          typeof one === 'object' &&
          one !== null &&
          !(one instanceof Map) &&
          !Array.isArray(one) &&
          Object.getPrototypeOf(one) !== Object.prototype,
      );
      return (
        host.changed() ??
        (changed.length > 0
          ? `${changed.length} values with a prototype of their own`
          : await disturbed(kernel))
      );
    },
    async control() {
      const host = watchHost();
      try {
        merge({}, JSON.parse(EVIL) as Record<string, unknown>);
        return host.changed();
      } finally {
        host.restore();
      }
    },
  };
}

const storage = { manifest: { permissions: { storage: { read: true, write: true } } } };

export const pollution: AttackClass = [
  'prototype pollution',
  [
    inGuest('a property on Object.prototype', 'Object.prototype.owned = true;'),
    inGuest(
      'properties on every prototype, by defineProperty',
      'for (const one of [Object, Array, Function, Promise, Map, String, Error]) Reflect.defineProperty(one.prototype, "owned", { value: true, configurable: true, writable: true });',
    ),
    inGuest('a global', 'globalThis.owned = true;'),
    inGuest(
      'JSON replaced',
      'const { stringify } = JSON; JSON.stringify = (...values) => stringify(...values);',
    ),
    inGuest(
      'then of promises replaced',
      'const { then } = Promise.prototype; Promise.prototype.then = function (...values) { return Reflect.apply(then, this, values); };',
    ),
    inGuest(
      'call of functions replaced',
      "const was = Function.prototype.call; Object.defineProperty(Function.prototype, 'call', { value: new Proxy(was, {}), configurable: true, writable: true });",
    ),
    inGuest(
      'get of maps replaced',
      'const { get } = Map.prototype; Map.prototype.get = function (key) { return Reflect.apply(get, this, [key]); };',
    ),
    inGuest(
      'a setter on Object.prototype that hears of every property',
      'Object.defineProperty(Object.prototype, "owned", { set(value) {}, get() { return this; }, configurable: true });',
    ),
    inGuest(
      'an iterator of arrays',
      'const was = Array.prototype[Symbol.iterator]; Array.prototype[Symbol.iterator] = function () { return Reflect.apply(was, this, []); };',
    ),
    inGuest(
      'what an error of the kernel is made of',
      `try { await ctx.commands.execute('test.none:x'); } catch (error) { for (let at = error; at !== null; at = Object.getPrototypeOf(at)) try { at.owned = true; } catch {} } Object.prototype.owned = true;`,
    ),
    bySending('__proto__ in an answer', 'return evil;'),
    bySending(
      '__proto__ in a map and in a set',
      'return new Map([["__proto__", { owned: true }], ["constructor", evil]]);',
    ),
    bySending(
      '__proto__ in the details of an error',
      'throw Object.assign(new Error("x"), { details: evil, code: "__proto__", name: "__proto__" });',
    ),
    bySending('__proto__ in a thrown value', 'throw evil;'),
    bySending('__proto__ in an event', "await ctx.events.emit('x', evil).catch(() => {});", {
      manifest: { permissions: { events: { emit: ['*'] } } },
    }),
    bySending(
      '__proto__ in the log',
      "ctx.logger.info('x', evil); ctx.logger.info('__proto__', { fields: evil });",
    ),
    bySending(
      '__proto__ as a key and as a value of storage',
      "for (const key of ['__proto__', 'constructor', 'prototype']) await ctx.storage.set(key, evil); return ctx.storage.get('__proto__');",
      storage,
    ),
    bySending(
      '__proto__ as the name of a command, a topic and a hook',
      `for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'test.attacker:__proto__']) { try { ctx.commands.handle(name, () => evil); } catch {} try { ctx.events.on(name, () => {}); } catch {} try { ctx.hooks.handle(name, () => evil); } catch {} }`,
      {
        afterwards: (kernel) => kernel.commands.execute('test.attacker:constructor'),
      },
    ),
    bySending('__proto__ in what it says of its health and in its state', '', {
      bundle: (activate) =>
        `const evil = JSON.parse('${EVIL}'); export default { activate(ctx) { ${activate} }, healthCheck() { return { status: 'degraded', details: evil, ...evil }; }, getState() { return evil; } };`,
      async afterwards(kernel) {
        await kernel.plugins.health('test.attacker').catch(() => {});
        await kernel.plugins.reload('test.attacker');
      },
    }),
    bySending(
      'a key of __proto__ in a shape of many objects',
      'return Array.from({ length: 200 }, () => JSON.parse(`{"a":1,"__proto__":{"owned":true}}`));',
    ),
    bySending(
      'an answer with a prototype of its own',
      'return Object.setPrototypeOf({ a: 1 }, { owned: true });',
    ),
  ],
];
