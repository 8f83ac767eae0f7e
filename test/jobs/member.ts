/**
 * One of several processes over one storage: it handles the tasks of a queue, and runs a job every
 * second. What it has to tell is a line on stdout, written at once: all that the parent has read
 * happened before a kill. It takes tasks to push from stdin.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createKernel } from '@plinth/host-node';
import { jobs as pluginJobs } from '@plinth/jobs';
import { jobs } from '@plinth/jobs/host';
import { packageSource } from '@plinth/kernel';
import { definePlugin } from '@plinth/sdk';
import { storageAt } from '../storage/storage-at.ts';

/** `stuck`: no task that it begins ends. */
const [place, mode] = process.argv.slice(2) as [string, 'stuck' | 'work'];
const tell = (what: string, which: unknown = '') => writeSync(1, `${what} ${String(which)};\n`);

const plugin = definePlugin({
  async activate(ctx) {
    const { every, queue } = pluginJobs(ctx);
    const work = queue('work');
    await work.work(
      async (task) => {
        tell('began', task);
        if (mode === 'stuck') await new Promise(() => {});
        tell('done', task);
      },
      { concurrency: 2 },
    );
    await every('1s', { name: 'tick' }, ({ at }) => tell('ran', at));
    ctx.commands.handle('push', (task) => work.push(task));
  },
});
const manifest = {
  id: 'test.work',
  version: '1.0.0',
  main: 'plugin.js',
  engines: { plinth: '^1.0.0' },
  permissions: { commands: { execute: ['plinth.jobs:*'] } },
};
const kernel = await createKernel({
  isolation: 'inline',
  sources: [packageSource([{ manifest, plugin }])],
  storage: await storageAt(place),
  extensions: [jobs({ lease: 3_000, poll: 1_000 })],
});
await kernel.start();
tell('ready');
createInterface(process.stdin).on('line', async (line) => {
  if (line === 'stop') {
    await kernel.stop();
    process.exit();
  }
  await kernel.commands.execute('test.work:push', Number(line));
  tell('pushed', line);
});
