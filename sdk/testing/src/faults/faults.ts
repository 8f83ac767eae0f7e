/** `faults`: what goes wrong in production, on demand and repeatable. */
import type { HostMiddlewareCall, Kernel } from '@plinth/kernel';
import type { Next, PermissionName } from '@plinth/sdk';
import {
  covers,
  createError,
  DEFAULT_TENANT,
  didYouMean,
  PERMISSION_NAMES,
  scopesOf,
} from '@plinth/sdk/contract';
import { skewDate } from '../clock.js';
import type { Random } from '../random.js';
import { type Switchboard, switchboardOf } from '../switchboard.js';
import { type Chance, strikes } from './chance.js';
import { corrupted } from './corrupt.js';

/** Ends a plugin's guest as a crash does. Resolves when it is gone; supervision restarts it later. */
async function kill(kernel: Kernel, plugin: string): Promise<void> {
  const guests = guestsOf(kernel, plugin);
  await Promise.all(guests.map((one) => one.crash(new Error('killed by the test'))));
}

/**
 * Cuts the connection to a plugin's guest, which then seems to hang. Undone, everything that was
 * sent meanwhile arrives. A guest that is started in its place is not cut off.
 */
function hang(kernel: Kernel, plugin: string): Disposable {
  const guests = guestsOf(kernel, plugin);
  for (const one of guests) one.cut();
  return switchboardOf(kernel).own(() => {
    for (const one of guests) one.mend();
  });
}

/** Delays calls by milliseconds. */
function slow(
  kernel: Kernel,
  command: string,
  { ms, ...chance }: Chance & { readonly ms: number },
): Disposable {
  if (!(ms >= 0))
    throw createError('kernel/invalid-option', "'ms' is a number of milliseconds from 0 on");
  return strike(kernel, command, chance, async ({ signal }, next) => {
    await waited(ms, signal);
    return next();
  });
}

/**
 * Loses calls: the provider never gets them, or with `answer` their answers never arrive. They end
 * when their time is over.
 */
function drop(
  kernel: Kernel,
  command: string,
  { answer = false, ...chance }: Chance & { readonly answer?: boolean } = {},
): Disposable {
  return strike(kernel, command, chance, async ({ signal }, next) => {
    if (answer) await next();
    return waited(Number.POSITIVE_INFINITY, signal);
  });
}

/**
 * Damages answers on their way to the caller: a part is missing, or of another type. A plugin that
 * calls by a contract refuses them with `call/invalid-output`; the application gets them as they
 * are, because it trusts what its own middleware answers.
 */
function corrupt(kernel: Kernel, command: string, chance: Chance = {}): Disposable {
  return strike(kernel, command, chance, async (_call, next, random) =>
    corrupted(await next(), random),
  );
}

/**
 * Revokes a permission of a plugin, with all its scopes. The kernel then refuses each use. Undone,
 * the plugin has it again.
 *
 * @throws PluginUnavailableError `plugin/not-found`; PluginConfigurationError `kernel/invalid-option`
 * for a permission that doesn't exist.
 */
async function deny(
  kernel: Kernel,
  plugin: string,
  permission: PermissionName,
): Promise<AsyncDisposable> {
  switchboardOf(kernel);
  if (!PERMISSION_NAMES.includes(permission))
    throw createError(
      'kernel/invalid-option',
      `there is no permission '${String(permission)}'${didYouMean(String(permission), PERMISSION_NAMES, [])}`,
      { plugin, details: { permission } },
    );
  const scopes = scopesOf(kernel.permissions.list(plugin), permission);
  for (const scope of scopes) await kernel.permissions.revoke(plugin, permission, scope);
  return {
    async [Symbol.asyncDispose]() {
      for (const scope of scopes) await kernel.permissions.grant(plugin, permission, scope);
    },
  };
}

/** Refuses what a plugin writes to its storage with `storage/quota`, as when its quota is used up. */
function quota(kernel: Kernel, plugin: string): Disposable {
  const board = switchboardOf(kernel);
  if (kernel.plugins.get(plugin) === undefined)
    throw createError('plugin/not-found', `there is no plugin '${plugin}'`, { plugin });
  const part = `${DEFAULT_TENANT}\0${plugin}\0`;
  return board.onWrite((key) => {
    if (key.startsWith(part))
      throw createError(
        'storage/quota',
        `${plugin} cannot store more: the test has used up its quota`,
        {
          plugin,
        },
      );
  });
}

/** Refuses every write of the storage, as a full disk does: plugins get `storage/failed`. */
function diskFull(kernel: Kernel): Disposable {
  return switchboardOf(kernel).onWrite(() => {
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  });
}

/** Sets the clock of this thread wrong by milliseconds: `Date` alone. Workers keep their own. */
function skew(kernel: Kernel, { ms }: { readonly ms: number }): Disposable {
  const board = switchboardOf(kernel);
  if (!Number.isFinite(ms))
    throw createError('kernel/invalid-option', "'ms' is a number of milliseconds");
  const { clock } = board;
  if (clock === undefined) {
    const skewed = skewDate(ms);
    return board.own(() => skewed[Symbol.dispose]());
  }
  clock.skew(ms);
  return board.own(() => clock.skew(-ms));
}

/**
 * Faults of a test kernel. Each lasts until it is disposed (`using`), or the kernel stops. The same
 * seeds have the same effect in Node and in browsers.
 *
 * @example
 * using _slow = faults.slow(kernel, 'com.example.search:*', { ms: 2_000, rate: 0.5, seed: 7 });
 * await faults.kill(kernel, 'com.example.notes');
 */
export const faults = Object.freeze({
  kill,
  hang,
  slow,
  drop,
  corrupt,
  deny,
  quota,
  diskFull,
  skew,
});

function strike(
  kernel: Kernel,
  command: string,
  chance: Chance,
  fault: (call: HostMiddlewareCall, next: Next, random: Random) => Promise<unknown>,
): Disposable {
  const board = switchboardOf(kernel);
  const struck = strikes(command, chance);
  requireCommand(kernel, command);
  return board.onCall((call, next) => {
    const random = struck(call.id);
    return random === undefined ? next() : fault(call, next, random);
  });
}

/** Refuses a command that can't be struck. A plugin that is not active yet may still answer it. */
function requireCommand({ commands, plugins }: Kernel, command: string): void {
  const known = commands.list().map(({ id }) => id);
  if (known.some((id) => covers(command, id)) || commands.has(command)) return;
  if (command.startsWith('plinth.') || plugins.list().some(({ state }) => state !== 'active'))
    return;
  throw createError(
    'call/unknown-command',
    `no command '${command}' is there for a fault${didYouMean(command, known, [])}`,
    { details: { command, known } },
  );
}

/** @throws PluginUnavailableError `plugin/unavailable` when the plugin doesn't run. */
function guestsOf(kernel: Kernel, plugin: string): ReturnType<Switchboard['guests']['of']> {
  const guests = switchboardOf(kernel).guests.of(plugin);
  if (guests.length > 0) return guests;
  throw createError(
    'plugin/unavailable',
    `'${plugin}' has no guest now: it is ${kernel.plugins.get(plugin)?.state ?? 'not installed'}`,
    { plugin },
  );
}

/** Waits, unless the call ends before. */
function waited(ms: number, signal: AbortSignal): Promise<never | undefined> {
  return new Promise((resolve, reject) => {
    const timer =
      ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(() => resolve(undefined), ms);
    const end = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
