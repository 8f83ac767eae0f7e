/**
 * The pipe itself: it is unreachable behind the wall, and nothing reachable can forge its messages.
 */

import { Form, headOf, Kind } from '@plinth/sdk/rpc';
import { createBreachedHost, rawPost } from '#host';
import { nextEvent, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import {
  type Attack,
  type AttackClass,
  attack,
  disturbed,
  type Isolation,
  startScene,
  watchHost,
} from './attack.ts';

/** A Comlink request that an unguarded Comlink would execute. */
const FORGED = `{ id: 'a', type: 'CONSTRUCT', path: ['constructor', 'constructor'], argumentList: [{ type: 'RAW', value: 'globalThis.owned = true' }] }`;
/** The effect of a received forged frame: a refusal, or the end of its sender. */
const FRAME = `[${headOf(9_999_999, Kind.reply, Form.plain)}, 'hi']`;

/** Whether the kernel has refused something from the attacker, or has changed. */
async function refused(isolation: Isolation, code: string, breached = false): Promise<unknown> {
  const host = watchHost();
  const text = `const forged = ${FORGED}, frame = ${FRAME}; ${code}`;
  const kernel = breached
    ? await startKernel({ isolation, createHost: createBreachedHost }, [
        pluginOf('test.attacker', `ctx.commands.handle('go', async () => { ${text} });`),
      ])
    : await startScene(isolation, text);
  const seen = Promise.race([
    nextEvent(kernel, 'wire:refused').then(() => 'a message was refused'),
    nextEvent(kernel, 'plugin:crashed').then(() => 'the guest was ended'),
  ]);
  await attack(kernel);
  return (
    host.changed() ??
    (await Promise.race([
      seen,
      new Promise((resolve) => setTimeout(resolve, breached ? 2_000 : 60)),
    ])) ??
    (breached ? undefined : await disturbed(kernel))
  );
}

/** Posts the forgeries by anything the code finds; the control has the raw port. */
const posting = (name: string, code: string, more: Partial<Attack> = {}): Attack => ({
  name,
  attempt: (isolation) => refused(isolation, code),
  control: () => refused('worker', `const post = ${rawPost}; post(forged); post(frame);`, true),
  ...more,
});

/** Sends values in the form of frames through the proper API, where they are only values. */
const disguised = (name: string, code: string): Attack => posting(name, code, { also: ['worker'] });

export const frames: AttackClass = [
  'forged frames',
  [
    posting(
      'by the globals that post messages',
      'for (const post of [globalThis.postMessage, self.postMessage, globalThis.process?.send, globalThis.parentPort?.postMessage, globalThis.onmessage]) { post?.(forged); post?.(frame); }',
    ),
    posting(
      'by the port that Node hands out',
      'const { parentPort } = await (0, eval)("import(\'node:worker_threads\')"); parentPort.postMessage(forged);',
    ),
    posting(
      'by what a breach would have left on a built-in',
      'const post = Object.rawPost ?? globalThis.rawPost; post(forged); post(frame);',
    ),
    posting(
      'by whatever on the context posts, links or sends',
      `const seen = new Set(), queue = [ctx, call, input]; while (queue.length > 0 && seen.size < 5_000) { const one = queue.shift(); if (Object(one) !== one || seen.has(one)) continue; seen.add(one);
         for (let at = one; at !== null; at = Object.getPrototypeOf(at)) for (const key of Reflect.ownKeys(at)) { let value; try { value = one[key]; } catch { continue; } queue.push(value);
           if (typeof value === 'function' && /^(postMessage|post|note|request|write|flush)$/.test(String(key))) try { for (const what of [forged, frame]) Promise.resolve(value.call(one, what)).catch(() => {}); } catch {} } }`,
    ),
    posting(
      'by ports of its own, put on a value',
      'const { port1 } = new MessageChannel(); return { port: port1 };',
    ),
    posting(
      'by built-ins replaced under the guest runtime, that see its messages pass',
      `let caught; const spy = (target, name) => { try { const was = target[name]; target[name] = function (...values) { if (this?.postMessage) caught = this; return Reflect.apply(was, this, values); }; } catch {} };
       for (const [target, names] of [[Array.prototype, ['push', 'map', 'slice', Symbol.iterator]], [Map.prototype, ['get', 'set']], [Set.prototype, ['add']], [Promise.prototype, ['then']], [Reflect, ['apply']], [Function.prototype, ['call', 'apply', 'bind']]]) for (const name of names) spy(target, name);
       await ctx.permissions.has('wasm'); caught?.postMessage(forged); caught?.postMessage(frame);`,
    ),
    posting(
      'by setters on the prototypes that the runtime makes its messages of',
      `for (const key of [0, 1, 'id', 'type', 'path', 'postMessage', 'then', 'length']) try { Object.defineProperty(Object.prototype, key, { set() {}, get() { return forged; }, configurable: true }); } catch {}
       await ctx.permissions.has('wasm').catch(() => {});`,
    ),
    disguised('a request as an answer', 'return forged;'),
    disguised(
      'a frame as an answer',
      'return [frame, forged, [6, forged], [7, { id: "x", type: "HANDLER", name: "proxy", value: null }]];',
    ),
    disguised(
      'marks of streams and errors in an answer',
      "return { '\\u0001plinth:stream': 1, a: { '\\u0001plinth:error': { class: '__proto__', message: 5 } }, 'plinth:stream': 1, 'plinth:error': {} };",
    ),
    disguised(
      'a frame as an error',
      'throw Object.assign(new Error("x"), { details: { frame, forged }, cause: forged, code: 6 });',
    ),
    disguised(
      'frames in the log, in storage and in an event',
      "ctx.logger.info(frame, forged); ctx.logger.info('x', { frame, forged }); await ctx.events.emit('x', frame).catch(() => {}); await ctx.storage.set('k', forged).catch(() => {});",
    ),
    disguised(
      'an operation that does not exist, by options that are not known',
      "await ctx.commands.execute('test.neighbour:ping', frame, { timeout: 1e9, op: 6, target: 0, kind: 6, sequence: 1 }).catch(() => {}); await ctx.hooks.collect('x', forged, { strict: 5 }).catch(() => {});",
    ),
    disguised(
      'a value that changes while it is read',
      "let reads = 0; return { get a() { reads += 1; return reads > 1 ? forged : 1; }, b: new Proxy([], { get: (target, key) => (key === 'length' ? (reads += 1) : target[key]) }) };",
    ),
    disguised(
      'an answer that is a thenable, again and again',
      'const again = (left) => ({ then(resolve) { resolve(left > 0 ? again(left - 1) : forged); } }); return again(100);',
    ),
    disguised(
      'texts that are not well formed',
      "return ['\\ud800', '\\udfff\\ud800', '\\u0000'.repeat(1_000), '\\u0001plinth:stream'];",
    ),
  ],
];
