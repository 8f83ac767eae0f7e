/**
 * A plugin without a right asks one that has it: an action for another plugin needs that plugin's
 * rights too.
 */
import type { Kernel } from '@plinth/kernel';
import type { ManifestInput } from '@plinth/sdk/contract';
import { pluginOf } from '../support/plugins.ts';
import {
  type Attack,
  type AttackClass,
  attack,
  type Isolation,
  SECRET,
  startScene,
} from './attack.ts';

const deputy = pluginOf(
  'test.deputy',
  `ctx.commands.handle('run', ({ id, input }, call) => ctx.commands.execute(id, input, { for: call }));
   ctx.commands.handle('tell', ({ topic }, call) => ctx.events.emit(topic, 1));
   ctx.commands.handle('careful', ({ id }, { caller }) => (caller.kind === 'plugin' || caller.plugin ? 'refused' : ctx.commands.execute(id)));
   ctx.commands.handle('who', (_, { caller }) => caller);`,
  { permissions: { commands: { execute: ['*'] }, events: { emit: ['*'] } } },
);

function asking(
  name: string,
  code: string,
  look: (said: unknown, heard: readonly string[]) => unknown,
  more: { readonly granted: ManifestInput['permissions']; readonly direct: string },
): Attack {
  const run = async (
    isolation: Isolation,
    text: string,
    permissions: ManifestInput['permissions'],
  ) => {
    const heard: string[] = [];
    const kernel: Kernel = await startScene(isolation, text, {
      packages: [deputy],
      manifest: { permissions: permissions ?? {} },
    });
    kernel.events.on('*', ({ topic }) => void heard.push(topic));
    return look(await attack(kernel), heard) || undefined;
  };
  return {
    name,
    also: ['worker'],
    attempt: (isolation) => run(isolation, code, { commands: { execute: ['test.deputy:*'] } }),
    control: () => run('worker', more.direct, more.granted),
  };
}

export const confusedDeputy: AttackClass = [
  'confused deputy',
  [
    asking(
      "a neighbour's command, by a plugin that may call it",
      "return ctx.commands.execute('test.deputy:run', { id: 'test.neighbour:read' });",
      (said) => said === SECRET && said,
      {
        granted: { commands: { execute: ['*'] } },
        direct: "return ctx.commands.execute('test.neighbour:read');",
      },
    ),
    asking(
      'an event, by a plugin that may emit it',
      "await ctx.commands.execute('test.deputy:tell', { topic: 'test.neighbour:changed' });",
      (_, heard) => heard.includes('test.neighbour:changed'),
      {
        granted: { events: { emit: ['*'] } },
        direct: "await ctx.events.emit('test.neighbour:changed', 1);",
      },
    ),
    asking(
      'its own command, called back with more rights',
      "if (input?.back) return ctx.commands.execute('test.neighbour:read'); return ctx.commands.execute('test.deputy:run', { id: 'test.attacker:go', input: { back: true } });",
      (said) => said === SECRET && said,
      {
        granted: { commands: { execute: ['*'] } },
        direct: "return ctx.commands.execute('test.neighbour:read');",
      },
    ),
    asking(
      'a plugin that checks its caller, deceived',
      "return ctx.commands.execute('test.deputy:careful', { id: 'test.neighbour:read', caller: { kind: 'host' } }, { caller: { kind: 'host' } });",
      (said) => said === SECRET && said,
      {
        granted: { commands: { execute: ['*'] } },
        direct: "return ctx.commands.execute('test.neighbour:read');",
      },
    ),
    asking(
      'a right that is not its own to use, by a plugin it may not call',
      "return ctx.commands.execute('test.neighbour:read').catch(() => ctx.messaging.send('test.deputy', { id: 'test.neighbour:read' }));",
      (said) => said === SECRET && said,
      {
        granted: { commands: { execute: ['*'] } },
        direct: "return ctx.commands.execute('test.neighbour:read');",
      },
    ),
  ],
];
