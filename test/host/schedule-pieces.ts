/** For schedules: plugins whose hooks tell the host that they run, and wait there while held. */
import type { PackageInput } from '@plinth/kernel';
import { pluginOf } from '../support/plugins.ts';

type Hook = 'activate' | 'suspend' | 'resume' | 'getState' | 'deactivate';

/** What each plugin requires. */
export const NEEDS: Readonly<Record<string, string>> = {
  middle: 'base',
  top: 'middle',
  peak: 'top',
  pair: 'lone',
};

export const idOf = (name: string) => `test.${name}`;
export const nameOf = (id: string) => id.slice('test.'.length);

/** How a package differs from the plain one of its name. */
export interface Shape {
  readonly version?: string;
  /** What it uses if it is there. */
  readonly wishes?: readonly string[];
  /** Whether it starts only by a call or an event. */
  readonly lazy?: boolean;
  /** The hook that throws. */
  readonly bad?: Hook | 'restoreState';
  /** The commands that it guards. */
  readonly guards?: string;
}

/**
 * Counts what it has answered, and keeps the events that it has heard between marks of its own
 * pauses. Both belong to its state.
 */
export function piece(
  name: string,
  { version = '1.0.0', wishes = [], lazy = false, bad, guards }: Shape = {},
): PackageInput {
  const id = idOf(name);
  const below = NEEDS[name];
  const hook = (one: Hook, rest = '') =>
    `async ${one}(reason) { ${one === 'suspend' || one === 'resume' ? `this.story.push('${one}');` : ''}
       await this.gate('${one}'); ${one === bad ? `throw new Error('bad ${one}');` : ''} ${rest} },`;
  return pluginOf(
    id,
    `this.ctx = ctx;
     ctx.commands.handle('next', () => ({ version: '${version}', n: ++this.n }));
     ctx.commands.handle('story', () => this.story);
     ctx.commands.handle('wait', async () => { await this.gate('wait'); return ++this.n; });
     ${below === undefined ? '' : `ctx.commands.handle('via', () => ctx.commands.execute('${idOf(below)}:next'));`}
     ctx.events.on('test:tick', ({ payload }) => { this.story.push(payload); });
     ${guards === undefined ? '' : `ctx.middleware.use('${guards}', async (call, next) => ({ guarded: true, ...(await next()) }));`}
     await this.gate('activate');
     ${bad === 'activate' ? `throw new Error('bad activate');` : ''}`,
    {
      version,
      ...(below !== undefined && { dependencies: { [idOf(below)]: '^1.0.0' } }),
      ...(wishes.length > 0 && {
        optionalDependencies: Object.fromEntries(wishes.map((wish) => [idOf(wish), '^1.0.0'])),
      }),
      activation: lazy ? [`command:${id}:next`, 'event:test:tick'] : ['startup'],
      permissions: {
        commands: { execute: ['host:*', 'test.*'] },
        events: { subscribe: ['test:*'] },
        ...(guards !== undefined && { middleware: { use: [guards] } }),
      },
    },
    `n: 0, story: [],
     gate(what) { return this.ctx.commands.execute('host:gate', '${name}@${version} ' + what).catch(() => {}); },
     restoreState({ n, story }) { ${bad === 'restoreState' ? `throw new Error('bad state');` : ''} this.n = n; this.story = story; },
     ${hook('getState', 'return { n: this.n, story: this.story };')}
     ${hook('suspend')} ${hook('resume')} ${hook('deactivate')}`,
  );
}
