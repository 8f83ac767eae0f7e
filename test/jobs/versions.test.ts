/** Jobs and queues of versions that follow each other, or run beside each other. */
import { jobs as kernelJobs } from '@plinth/jobs/host';
import { packageOf } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { Heard, RIGHTS, startJobs, withJobs } from './start.ts';

/** A version that tells the host of its runs. */
const version = (number: string, job = 'tick') =>
  pluginOf(
    'test.work',
    `
    const token = ctx.plugin.version.replaceAll('.', 'a').padEnd(32, '0');
    const ask = (member, input) => ctx.commands.execute('plinth.jobs:' + member, input);
    ctx.commands.handle('plinthJobs', ({ tokens, job, task }) =>
      tokens.includes(token)
        ? ctx.commands.execute('host:heard', ['${number}', job ?? task]).then(() => {})
        : 'plinth.jobs:stranger');
    await ask('attach', { token });
    await ask('schedule', { name: '${job}', every: '1h' });
    await ask('work', { queue: 'mail' });`,
    { version: number, permissions: RIGHTS },
  );

const start = async () => {
  const heard = new Heard<unknown>();
  const { kernel, api } = await startJobs([version('1.0.0')]);
  kernel.commands.handle('heard', heard.add);
  const names = async () => (await api.list()).map(({ name }) => name);
  return { kernel, api, heard, names, mail: api.queue('test.work', 'mail') };
};

describe(`${runtime}: an update`, () => {
  it('takes jobs and queues over, and ends jobs that the new version has no more', async () => {
    const { kernel, api, heard, names, mail } = await start();
    await kernel.plugins.update('test.work', packageOf(version('1.1.0', 'tock')));
    expect(await names()).toEqual(['tock']);
    await api.run('test.work', 'tock');
    await mail.push('task');
    expect(await heard.length(2)).toEqual([
      ['1.1.0', 'tock'],
      ['1.1.0', 'task'],
    ]);
  });

  it('that is rolled back gives them back', async () => {
    const { kernel, api, heard, names, mail } = await start();
    await kernel.plugins.update('test.work', packageOf(version('1.1.0')));
    await kernel.plugins.rollback('test.work');
    expect(await names()).toEqual(['tick']);
    await api.run('test.work', 'tick');
    await mail.push('task');
    expect(await heard.length(2)).toEqual([
      ['1.0.0', 'tick'],
      ['1.0.0', 'task'],
    ]);
  });
});

describe(`${runtime}: a canary`, () => {
  it('takes its share of the runs, and leaves jobs and queues when it is rolled back', async () => {
    const { kernel, api, heard, names, mail } = await start();
    await kernel.plugins.update('test.work', packageOf(version('1.1.0')), {
      canary: { share: 0.5 },
    });
    expect(await names()).toEqual(['tick']);
    for (let run = 0; run < 20; run += 1) await api.run('test.work', 'tick');
    expect(new Set(heard.all.map((one) => (one as [string])[0]))).toEqual(
      new Set(['1.0.0', '1.1.0']),
    );
    await kernel.plugins.rollback('test.work');
    expect(await names()).toEqual(['tick']);
    const before = heard.all.length;
    await api.run('test.work', 'tick');
    await mail.push('task');
    expect((await heard.length(before + 2)).slice(before)).toEqual([
      ['1.0.0', 'tick'],
      ['1.0.0', 'task'],
    ]);
  });
});

describe(`${runtime}: jobs({ tenants: 'only' })`, () => {
  it('starts no plugin in the default tenant for what its manifest declares', async () => {
    const plugin = withJobs(
      'test.digest',
      ({ on }) => {
        on('digest', () => {});
      },
      {
        activation: ['command:test.digest:none'],
        contributes: { jobs: [{ name: 'digest', every: '1h' }], queues: [{ name: 'mail' }] },
      },
    );
    const { kernel, api } = await startJobs([plugin], { tenants: 'only' }, { tenants: 'only' });
    await api.queue('test.digest', 'mail').push('task');
    expect([await api.list(), await api.queues()]).toMatchObject([[], [{ handled: false }]]);
    const acme = kernel.tenant('acme');
    await acme.start();
    const own = acme.extension(kernelJobs);
    expect(await own.list()).toMatchObject([{ name: 'digest', declared: true }]);
    await own.run('test.digest', 'digest');
    expect(kernel.plugins.get('test.digest')?.state).toBe('resolved');
  });
});

describe(`${runtime}: a task`, () => {
  it('is a value that can be kept, and keeps what it is', async () => {
    const got = new Heard<unknown>();
    const { kernel } = await startJobs([
      withJobs('test.work', async ({ queue }, ctx) => {
        const own = queue('own');
        await own.work(got.add);
        ctx.commands.handle('push', () =>
          own.push({
            at: new Date(5),
            big: 1n,
            bytes: new Uint8Array([1]),
            map: new Map([[1, 2]]),
          }),
        );
        ctx.commands.handle('stream', () =>
          own.push(
            (async function* () {
              yield 1;
            })(),
          ),
        );
        ctx.commands.handle('function', () => own.push(() => {}));
      }),
    ]);
    await kernel.commands.execute('test.work:push');
    expect(await got.length(1)).toEqual([
      { at: new Date(5), big: 1n, bytes: new Uint8Array([1]), map: new Map([[1, 2]]) },
    ]);
    for (const command of ['stream', 'function'])
      expect((await rejection(kernel.commands.execute(`test.work:${command}`))).code).toBe(
        'value/invalid',
      );
  });
});

describe(`${runtime}: a plugin that requires jobs`, () => {
  it('runs where they are, and is refused where they are not', async () => {
    const plugin = withJobs('test.work', () => {}, { requiredFeatures: ['jobs'] });
    const { kernel } = await startJobs([plugin]);
    expect(kernel.plugins.get('test.work')?.state).toBe('active');
    const bare = await startKernel({ isolation: 'inline' }, [plugin]);
    expect(bare.plugins.list()[0]?.error?.message).toContain('jobs');
  });

  it('or only asks for them, is told when they are not there', async () => {
    const plugin = withJobs('test.work', ({ queue }, ctx) => {
      ctx.commands.handle('push', () => queue('mail').push(1));
    });
    const bare = await startKernel({ isolation: 'inline' }, [plugin]);
    const error = await rejection(bare.commands.execute('test.work:push'));
    expect(error.code).toBe('call/unknown-command');
    expect(error.message).toContain('plinth.jobs:push');
  });
});
