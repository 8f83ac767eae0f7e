/**
 * The plugins of the soak: five of one kind. `a` and `b` also call, `m` is killed, `n` and `z` are
 * replaced and hibernated.
 */
import type { PackageInput } from '@plinth/kernel';
import { drive } from './soak-driver.ts';

export const NAMES = ['a', 'b', 'm', 'n', 'z'] as const;
export type Name = (typeof NAMES)[number];

/** Where plugins run. Only a plugin with its own thread may break it. */
export type Isolation = 'inline' | 'worker';

/** Changes a plugin's text, for deliberately broken plugins. */
export type PluginText = (text: string, name: Name) => string;

const handlers = (name: Name): string => `
  const id = 'soak.${name}';
  const mortal = ${name === 'm'};
  const pause = (ms) => new Promise((go) => setTimeout(go, ms));
  const never = () => new Promise(() => {});
  const fault = (text) => { if (state.faults.length < 30) state.faults.push(id + ': ' + text); };
  ctx.commands.handle('echo', (input) => input);
  ctx.commands.handle('seq', ({ caller, i }) => {
    const last = state.last[caller] ?? 0;
    // One that dies forgets, and what waited for it comes late: see KNOWN in soak.ts.
    if (!mortal && i !== last + 1) fault('call ' + i + ' of ' + caller + ' came after ' + last);
    state.last[caller] = i;
    return i;
  });
  ctx.commands.handle('leaf', (nonce, call) => ({ nonce, user: call.user, baggage: call.baggage.nonce, caller: call.caller.id }));
  ctx.commands.handle('relay', async ({ path, nonce }, call) => {
    await null;
    const [next, ...rest] = path;
    const tally = state.relayed[next] ??= { sent: 0, answered: 0, cancelled: 0, failed: {} };
    tally.sent += 1;
    try {
      const answer = await ctx.commands.execute(next, rest.length === 0 ? nonce : { path: rest, nonce }, call);
      tally.answered += 1;
      return answer;
    } catch (error) {
      if (error.code === 'call/cancelled') tally.cancelled += 1;
      else tally.failed[error.code ?? 'thrown'] = (tally.failed[error.code ?? 'thrown'] ?? 0) + 1;
      throw error;
    }
  });
  ctx.commands.handle('slow', async (ms) => { await pause(ms); return ms; });
  ctx.commands.handle('wait', async (ms) => { await pause(ms); return ms; });
  ctx.commands.handle('hang', never);
  ctx.commands.handle('spotty', (nonce) => nonce % 4 === 0 ? never() : 'spotty');
  ctx.commands.handle('items', async function* (length) {
    state.opened += 1;
    try { for (let n = 0; n < length; n++) yield n; } finally { state.closed += 1; }
  });
  ctx.commands.handle('bump', () => ctx.storage.update('count', (n) => (n ?? 0) + 1));
  ctx.commands.handle('report', async () => ({ ...state, level: config.level, count: (await ctx.storage.get('count')) ?? 0 }));
  ctx.events.on('soak:tick', ({ payload: { source, i } }) => {
    const last = state.ticks[source] ?? 0;
    if (mortal ? i <= last : i !== last + 1) fault('tick ' + i + ' of ' + source + ' came after ' + last);
    state.ticks[source] = i;
    state.heard += 1;
  }, { overflow: 'block', queue: 256 });
  ctx.hooks.handle('soak:collect', () => id);
  ctx.hooks.handle('soak:first', () => id);
  ctx.hooks.handle('soak:waterfall', (value) => [...value, id]);
  ctx.messaging.on(({ nonce }) => ({ by: id, nonce }));
  ${
    name === 'b' || name === 'm'
      ? `ctx.provide(
    { $id: 'plinth.message-handler@1', canHandle: { kind: 'hook', id: 'plinth.message-handler:canHandle' }, handle: { kind: 'command', id: 'plinth.message-handler:handle', errors: {}, idempotent: false } },
    { canHandle: () => ${name === 'm' ? 0.9 : 0.5}, handle: ({ nonce }) => ({ by: id, nonce }) },
  );`
      : ''
  }`;

/** Breaks on request. */
const mortal = (isolation: Isolation): string => `
  ctx.commands.handle('crash', () => { ${isolation === 'worker' ? `setTimeout(() => { throw new Error('gone'); }, 0);` : ''} return never(); });
  ctx.commands.handle('spin', (ms) => { for (const end = performance.now() + ms; performance.now() < end; ); });
  ctx.commands.handle('fragile', (input) => { if (input.nonce % 2 === 0) throw new Error('fragile'); return input; });
  ctx.commands.handle('brittle', (input) => { if (input.nonce % 4 !== 0) throw new Error('brittle'); return input; });`;

/** Works well only with policies. */
const guarded = (isolation: Isolation): string => `
  let running = 0;
  const tries = new Set();
  ctx.provide({ $id: 'soak.n@1', flaky: { kind: 'command', id: 'soak.n:flaky', errors: {}, idempotent: true } }, {
    flaky: (input, call) => {
      const key = call.caller.id + input.nonce;
      if (input.nonce % 3 !== 0 || tries.delete(key)) return input;
      tries.add(key);
      return never();
    },
  });
  ctx.commands.handle('narrow', async (input, call) => {
    let runs = true;
    // A call that has met its deadline makes room, although its handler is still at it.
    const leave = () => { if (runs) running -= 1; runs = false; };
    running += 1;
    if (running > 2) fault(running + ' calls of narrow at the same time');
    call.signal.addEventListener('abort', leave);
    await pause(input.nonce % 3);
    leave();
    return input;
  });
  ctx.commands.handle('rated', (input) => { state.rated += 1; return input; });
  ctx.commands.handle('cached', (input) => { state.serial += 1; return { ...input, serial: state.serial }; });
  ${isolation === 'worker' ? `const now = Date.now; ctx.commands.handle('skew', (ms) => { Date.now = () => now() + ms; });` : `ctx.commands.handle('skew', () => {});`}`;

/** Calls all others. */
const calling = (): string => `
  const drive = ${drive.toString()};
  const surface = {
    execute: (command, input, options) => ctx.commands.execute(command, input, options),
    emit: (topic, payload) => ctx.events.emit(topic, payload),
    ask: (mode, hook, input, options) => ctx.hooks[mode](hook, input, options),
    send: (plugin, message, options) => ctx.messaging.send(plugin, message, options),
    route: (message, options) => ctx.messaging.route(message, options),
  };
  ctx.commands.handle('go', (assignment) => drive(surface, assignment));`;

/** One of the plugins. */
export function packageFor(
  name: Name,
  isolation: Isolation,
  change: PluginText = (text) => text,
): PackageInput {
  const own = { a: calling(), b: calling(), m: mortal(isolation), n: guarded(isolation), z: '' }[
    name
  ];
  const keeps =
    name === 'n' || name === 'z'
      ? 'getState() { return this.state; }, restoreState(state) { this.state = state; },'
      : '';
  const code = `let config = {}; export default {
    state: { last: {}, ticks: {}, heard: 0, relayed: {}, faults: [], opened: 0, closed: 0, rated: 0, serial: 0 },
    ${keeps}
    configure(next) { config = next; },
    activate(ctx) {
      const state = this.state;
      ${handlers(name)}
      ${own}
    },
  };`;
  const provides = [
    ...(name === 'n' ? ['soak.n@1'] : []),
    ...(name === 'b' || name === 'm' ? ['plinth.message-handler@1'] : []),
  ];
  return {
    manifest: {
      id: `soak.${name}`,
      version: '1.0.0',
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      provides,
      permissions: {
        commands: { execute: ['*'] },
        events: { subscribe: ['soak:*'], emit: ['soak:*'] },
        hooks: { call: ['*'], handle: ['*'] },
        messaging: { send: ['*'] },
        storage: { read: true, write: true },
      },
    },
    code: change(code, name),
  };
}
