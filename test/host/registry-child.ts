/**
 * A process that owns a data folder. It reports what it finds there, then installs, updates, rolls
 * back, disables and uninstalls until it is killed. It writes one line of JSON at once before and
 * after each step.
 */

import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { createKernel, packageOf } from '@plinth/host-node';
import { sqlRegistry, sqlStorage } from '@plinth/sql/storage';

const [folder, mode, where] = process.argv.slice(2) as [
  string,
  'churn' | 'look',
  'files' | 'SQLite',
];
const tell = (message: object) => writeSync(1, `${JSON.stringify(message)}\n`);
const IDS = ['test.a', 'test.b', 'test.c'];

const packed = (id: string, version: string) => {
  // 1 B to 300 kB after the code: a truncated text is not complete.
  const filling = 'x'.repeat(Math.floor(10 ** (Math.random() * 5.5)));
  const code = `export default { activate(ctx) { ctx.commands.handle('version', () => '${version}' + (filling.length === ${filling.length} ? '' : ' torn')); } }; const filling = '${filling}';`;
  return packageOf({
    manifest: { id, version, main: 'plugin.js', engines: { plinth: '*' } },
    code,
  });
};

const place = { file: join(folder, 'kernel.sqlite') };
const kernel = await createKernel(
  where === 'SQLite'
    ? { storage: sqlStorage(place), registry: sqlRegistry(place) }
    : { data: folder },
);
await kernel.start();
const stateOf = (id: string) =>
  kernel.plugins
    .list()
    .filter((one) => one.id === id)
    .map((one) => `${one.version}${one.enabled ? '' : ' disabled'}`)
    .sort()
    .join(', ');

const problems = (await kernel.health()).problems.map(({ message }) => message);
const found: Record<string, string> = {};
for (const one of kernel.plugins.list()) {
  if (!one.enabled) continue;
  const answer = await kernel.commands
    .execute(`${one.id}:version`)
    .catch((error: Error) => error.message);
  if (one.state !== 'active' || answer !== one.version)
    problems.push(
      `${one.id} ${one.version} is ${one.state} and answers '${answer}': ${one.error?.message ?? ''}`,
    );
}
for (const id of IDS) found[id] = stateOf(id);
tell({ found, problems });
if (mode === 'look') await kernel.stop();
else await Promise.all(IDS.map(churn));

async function churn(id: string): Promise<void> {
  for (let round = 0; ; round++) {
    const there = kernel.plugins.get(id);
    const now = stateOf(id);
    const previous = there?.version;
    const next = `${Number(previous?.split('.')[0] ?? 0) + 1}.0.0`;
    if (previous === undefined) await step(next, () => kernel.plugins.install(packed(id, next)));
    else if (!there?.enabled) await step(previous, () => kernel.plugins.enable(id));
    else {
      const what = Math.floor(Math.random() * 8);
      if (what === 0) await step('', () => kernel.plugins.uninstall(id));
      else if (what === 1) await step(`${previous} disabled`, () => kernel.plugins.disable(id));
      else if (what < 5) await step(next, () => kernel.plugins.update(id, packed(id, next)));
      else {
        await step(next, () => kernel.plugins.update(id, packed(id, next)));
        tell({ id, before: next, after: previous });
        await kernel.plugins.rollback(id);
        tell({ id, done: stateOf(id) });
      }
    }
    if (round % 3 === 0 && kernel.plugins.get(id)?.enabled) await kernel.plugins.activate(id);

    async function step(after: string, work: () => Promise<unknown>): Promise<void> {
      tell({ id, before: now, after });
      await work();
      tell({ id, done: stateOf(id) });
    }
  }
}
