/**
 * A process with a queue that is killed. It pushes tasks and handles them. What it has to tell is a
 * line on stdout, written at once: all that the parent has read happened before the kill.
 */
import { writeSync } from 'node:fs';
import { createKernel } from '@plinth/host-node';
import { jobs as pluginJobs } from '@plinth/jobs';
import { jobs } from '@plinth/jobs/host';
import { packageSource } from '@plinth/kernel';
import { definePlugin } from '@plinth/sdk';
import { storageAt } from '../storage/storage-at.ts';

const [folder, mode, first] = process.argv.slice(2) as [string, 'drain' | 'push', string];
const tell = (what: string, task: unknown = '') => writeSync(1, `${what} ${String(task)};\n`);

const plugin = definePlugin({
  async activate(ctx) {
    const work = pluginJobs(ctx).queue('work');
    await work.work((task) => tell('done', task), { concurrency: 4 });
    ctx.commands.handle('push', (task) => work.push(task, { retries: 25 }));
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
  storage: await storageAt(folder),
  extensions: [jobs({ lease: 1_000 })],
});
await kernel.start();
if (mode === 'drain') {
  const queue = kernel.extension(jobs).queue('test.work', 'work');
  for (;;) {
    const { waiting, delayed, running, dead } = await queue.counts();
    if (waiting + delayed + running === 0) {
      tell('empty', dead);
      break;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  await kernel.stop();
} else
  for (let task = Number(first); ; task += 1) {
    await kernel.commands.execute('test.work:push', task);
    tell('pushed', task);
  }
