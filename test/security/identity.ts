/**
 * Impersonation: names, callers, tenants, and data of others. The kernel identifies a plugin by its
 * pipe.
 */
import type { Kernel } from '@plinth/kernel';
import type { ManifestInput } from '@plinth/sdk/contract';
import {
  type Attack,
  type AttackClass,
  attack,
  disturbed,
  type Isolation,
  SECRET,
  startScene,
} from './attack.ts';

/** What the host has received, and from which plugin. */
type Heard = readonly {
  readonly topic: string;
  readonly source: string;
  readonly payload: unknown;
}[];

interface Spoof {
  readonly code: string;
  /** The host's observation. */
  look(kernel: Kernel, said: unknown, heard: Heard): unknown;
  /** The case in which the witness sees it: with the plugin's own data, or with a right. */
  readonly granted: {
    readonly code?: string;
    readonly permissions?: ManifestInput['permissions'];
    readonly look?: Spoof['look'];
  };
  /** The permissions that the attack needs. */
  readonly permissions?: ManifestInput['permissions'];
}

function spoofing(name: string, { code, look, granted, permissions: own }: Spoof): Attack {
  const run = async (
    isolation: Isolation,
    text: string,
    permissions: ManifestInput['permissions'],
    see: Spoof['look'],
  ) => {
    const heard: { topic: string; source: string; payload: unknown }[] = [];
    const kernel = await startScene(isolation, text, {
      manifest: { permissions: permissions ?? {} },
    });
    kernel.events.on(
      '*',
      ({ topic, source, payload }) => void heard.push({ topic, source, payload }),
    );
    await kernel.secrets.set('test.attacker', 'mine', 'of the attacker');
    await kernel.secrets.set('test.neighbour', 'theirs', SECRET);
    const said = await attack(kernel);
    return (await see(kernel, said, heard)) || (await disturbed(kernel));
  };
  return {
    name,
    also: ['worker'],
    attempt: (isolation) => run(isolation, code, own, look),
    control: () =>
      run('worker', granted.code ?? code, granted.permissions ?? own, granted.look ?? look),
  };
}

const answers =
  (...ids: string[]) =>
  async (kernel: Kernel) => {
    for (const id of ids)
      if ((await kernel.commands.execute(id).catch(() => undefined)) === 'spoofed') return id;
    return undefined;
  };
const says = (what: unknown) => (_: Kernel, said: unknown) =>
  JSON.stringify(said) === JSON.stringify(what) || undefined;
const hears = (topic: string) => (_kernel: Kernel, _said: unknown, heard: Heard) =>
  heard.find((one) => one.topic === topic)?.source;
const execute = { commands: { execute: ['*'] } };

export const identity: AttackClass = [
  'identity and names',
  [
    spoofing('a command under the name of a neighbour', {
      code: "ctx.commands.handle('test.neighbour:extra', () => 'spoofed'); await 0;",
      look: answers('test.neighbour:extra', 'test.attacker:extra'),
      granted: { code: "ctx.commands.handle('extra', () => 'spoofed');" },
    }),
    spoofing('the command of a neighbour, taken over', {
      code: "ctx.commands.handle('test.neighbour:ping', () => 'spoofed');",
      look: answers('test.neighbour:ping', 'test.attacker:ping'),
      granted: { code: "ctx.commands.handle('test.attacker:ping', () => 'spoofed');" },
    }),
    spoofing('commands under the names of the kernel and of the host', {
      code: "for (const owner of ['kernel', 'host', 'plinth', 'plugin']) ctx.commands.handle(owner + ':extra', () => 'spoofed');",
      look: async (kernel) => {
        for (const owner of ['kernel', 'host', 'plinth', 'plugin', 'test.attacker'])
          if (await answers(`${owner}:extra`)(kernel)) return owner;
        return undefined;
      },
      granted: { code: "ctx.commands.handle('extra', () => 'spoofed');" },
    }),
    spoofing('names that look like those of a neighbour', {
      code: `for (const id of ['test.Neighbour', 'test.neighbour ', 'test.neighbour\\u200b', 'test.n\\u0435ighbour', 'test.neighbour\\0', 'TEST.NEIGHBOUR', 'test.neighbour@1.0.0', '../test.neighbour']) try { ctx.commands.handle(id + ':extra', () => 'spoofed'); } catch {}`,
      look: (kernel) => kernel.commands.list().find(({ id }) => id.endsWith('extra'))?.id,
      granted: {
        code: "ctx.commands.handle('test.attacker:extra', () => 'spoofed'); await new Promise((done) => setTimeout(done, 20));",
      },
    }),
    spoofing('the address of a command, with the name of a provider behind it', {
      code: `const got = []; for (const id of ['test.neighbour:read@test.neighbour', 'test.attacker:go@test.neighbour', 'test.neighbour:read@', '@test.neighbour:read', 'test.neighbour:read@1.0.0']) got.push(await ctx.commands.execute(id).catch(() => '')); return got.find(Boolean);`,
      look: says(SECRET),
      granted: {
        code: "return ctx.commands.execute('test.neighbour:read');",
        permissions: execute,
      },
    }),
    spoofing('a command of a neighbour, without the right to it', {
      code: "return ctx.commands.execute('test.neighbour:read');",
      look: says(SECRET),
      granted: { permissions: { commands: { execute: ['test.neighbour:read'] } } },
    }),
    spoofing('a command of a neighbour, by a contract made up for it', {
      code: `const free = { '~standard': { version: 1, vendor: 'x', validate: (value) => ({ value }) } };
             return ctx.services.get({ $id: 'test.neighbour@1', read: { kind: 'command', id: 'test.neighbour:read', input: free, output: free, errors: {} } }).read();`,
      look: says(SECRET),
      granted: { permissions: { commands: { execute: ['test.neighbour:read'] } } },
    }),
    spoofing('a call in the name of another caller, user or tenant', {
      code: `return ctx.commands.execute('test.neighbour:whoCalls', { caller: { plugin: 'test.neighbour' }, user: 'root' }, { caller: { kind: 'host' }, user: 'root', tenant: 'tenant-9', plugin: 'test.neighbour', for: { sequence: 1 }, parent: 1 });`,
      look: (_, said) =>
        /root|tenant-9|"host"|test\.neighbour/.test(JSON.stringify(said) ?? '') ? said : undefined,
      permissions: { commands: { execute: ['test.neighbour:*'] } },
      // The host may set the user of its calls.
      granted: {
        look: async (kernel) =>
          (
            (await kernel.commands.execute('test.neighbour:whoCalls', undefined, {
              user: 'root',
            })) as { user?: string }
          ).user,
      },
    }),
    spoofing('a call from within a call of the host, in the name of its own', {
      code: `call.caller.plugin = 'host'; try { call.user = 'root'; } catch {} try { Object.defineProperty(call, 'user', { value: 'root' }); } catch {} return ctx.commands.execute('test.neighbour:whoCalls', 1, { for: call });`,
      look: (_, said) => (JSON.stringify(said)?.includes('root') ? said : undefined),
      permissions: { commands: { execute: ['test.neighbour:*'] } },
      granted: {
        look: async (kernel) =>
          (
            (await kernel.commands.execute('test.neighbour:whoCalls', undefined, {
              user: 'root',
            })) as { user?: string }
          ).user,
      },
    }),
    spoofing('an event under the name of a neighbour', {
      code: "await ctx.events.emit('test.neighbour:changed', 1);",
      look: hears('test.neighbour:changed'),
      granted: { permissions: { events: { emit: ['test.neighbour:changed'] } } },
    }),
    spoofing('an event of the kernel, whatever it may emit', {
      code: "for (const topic of ['plugin:failed', 'kernel:stopped', 'config:changed', 'wire:refused', 'log:x', 'tenant:x', 'permission:denied']) await ctx.events.emit(topic, { id: 'test.neighbour' }).catch(() => {});",
      look: (_kernel, _said, heard) =>
        heard.find(
          ({ source, topic }) =>
            source !== 'kernel' &&
            /^(plugin|kernel|config|wire|log|tenant|permission):/.test(topic),
        ),
      permissions: { events: { emit: ['*'] } },
      // The host may emit its own events.
      granted: {
        look: async (kernel, _said, heard) => {
          await kernel.events.emit('host:x', 1);
          return heard.find(({ topic }) => topic === 'host:x');
        },
      },
    }),
    spoofing('every event, without the right to hear any', {
      code: `const got = []; for (const pattern of ['*', 'test.*', 'test.neighbour:*', 'host:*']) try { ctx.events.on(pattern, ({ topic }) => got.push(topic)); } catch {} ctx.commands.handle('got', () => got);`,
      look: async (kernel) => {
        await kernel.events.emit('host:told', SECRET);
        await new Promise((resolve) => setTimeout(resolve, 50));
        const got = (await kernel.commands.execute('test.attacker:got')) as readonly string[];
        return got.length > 0 ? got : undefined;
      },
      granted: { permissions: { events: { subscribe: ['*'] } } },
    }),
    spoofing('a middleware around the command of a neighbour', {
      code: "for (const target of ['command:test.neighbour:ping', 'command:*', 'event:*']) try { ctx.middleware.use(target, () => 'spoofed'); } catch {} ctx.commands.handle('extra', () => 'spoofed');",
      look: answers('test.neighbour:whoCalls'),
      granted: {
        permissions: { middleware: { use: ['command:test.neighbour:*'] } },
        code: "ctx.middleware.use('command:test.neighbour:whoCalls', () => 'spoofed');",
      },
    }),
    spoofing('a handler of a hook, without the right to it', {
      code: "ctx.hooks.handle('test.neighbour:asked', () => 'spoofed');",
      look: async (kernel) =>
        (await kernel.hooks.collect('test.neighbour:asked', undefined)).length > 0 || undefined,
      granted: { permissions: { hooks: { handle: ['*'] } } },
    }),
    spoofing('the secrets of a neighbour', {
      code: "const got = []; for (const name of ['theirs', 'test.neighbour:theirs', '../test.neighbour/theirs', '__proto__', 'test.neighbour\\0theirs']) got.push(await ctx.secrets.get(name).catch(() => undefined)); return got.find(Boolean);",
      look: (_, said) => (said === SECRET || said === 'of the attacker' ? said : undefined),
      granted: {
        code: "return ctx.secrets.get('mine');",
        permissions: { secrets: { read: ['*'] } },
      },
    }),
    spoofing('a message to a neighbour', {
      code: "return ctx.messaging.send('test.attacker', 1).then(() => 'sent', (error) => error.code === 'permission/denied' ? undefined : 'sent');",
      look: says('sent'),
      granted: { permissions: { messaging: { send: ['*'] } } },
    }),
    spoofing('what is allowed, overwritten in its own copy', {
      code: `try { ctx.plugin.manifest.permissions.commands = { execute: ['*'] }; } catch {} try { Object.defineProperty(ctx, 'permissions', { value: { has: () => true } }); } catch {} return ctx.commands.execute('test.neighbour:read');`,
      look: says(SECRET),
      granted: { permissions: { commands: { execute: ['*'] } } },
    }),
    spoofing('a contract of a neighbour, provided', {
      code: `const free = { '~standard': { version: 1, vendor: 'x', validate: (value) => ({ value }) } };
             ctx.provide({ $id: 'test.neighbour@1', extra: { kind: 'command', id: 'test.neighbour:extra', input: free, output: free, errors: {} } }, { extra: () => 'spoofed' });`,
      look: answers('test.neighbour:extra', 'test.attacker:extra'),
      granted: { code: "ctx.commands.handle('extra', () => 'spoofed');" },
    }),
    spoofing('a line of the log in the name of the host', {
      code: "ctx.logger.error('x', { plugin: 'kernel', source: 'host', level: 'error', time: 0 }); console.error('[kernel] x');",
      look: (kernel) =>
        kernel.logger.recent('kernel').find(({ message }) => message === 'x') ??
        kernel.logger.recent('host').find(({ message }) => message === 'x'),
      granted: {
        look: (kernel) =>
          kernel.logger.recent('test.attacker').find(({ message }) => message === 'x'),
      },
    }),
  ],
];
