/** `kill -9` of the database process: nothing that was acknowledged is lost, nothing is left. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { folder, packageWith, withSql } from './databases.ts';
import { commandOf, databaseProcesses, survivesKills } from './kills.ts';

describe('the database process', () => {
  it('can be killed at any time: nothing acknowledged is lost', () => survivesKills(5));

  it('is started at the first statement, and is gone when the kernel has stopped', async () => {
    const { kernel, run } = await withSql([packageWith({})]);
    expect(databaseProcesses()).toEqual([]);
    await run('select 1');
    const [id] = databaseProcesses();
    expect(id).toBeGreaterThan(0);
    await kernel.stop();
    expect(databaseProcesses()).toEqual([]);
    // Also with a statement in progress and others that wait.
    const again = await withSql([packageWith({})], { limits: { time: 60_000 } });
    await again.run('select 1');
    const endless = rejection(
      again.run(
        'with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n',
      ),
    );
    const waits = rejection(again.run('select 1'));
    await again.kernel.stop({ drain: 0 });
    expect(databaseProcesses()).toEqual([]);
    await Promise.all([endless, waits]);
  });

  it('answers again what only reads, when it was killed meanwhile', async () => {
    const { run } = await withSql([packageWith({})]);
    await run('select 1');
    const slow =
      'select count(*) as n from (with recursive n(i) as (select 1 union all select i + 1 from n limit 2000000) select i from n)';
    const reading = run(slow);
    process.kill(databaseProcesses()[0] as number, 'SIGKILL');
    expect((await reading).rows).toEqual([{ n: 2_000_000 }]);
  });

  it('ends with its host, even in the middle of a statement', async () => {
    const directory = await folder();
    const script = join(directory, 'host.mjs');
    const built = (file: string) =>
      pathToFileURL(join(import.meta.dirname, '../../extensions/sql/dist', file));
    writeFileSync(
      script,
      `import { Engine } from '${built('sqlite/engine.js')}';
      import { Child } from '${built('node/child.js')}';
      import { Store } from '${built('node/store.js')}';
      let child;
      const engine = new Engine(() => (child = new Child(5e8)));
      const place = await new Store('${directory}', 1e8).place('t', 'p');
      const run = (sql) => engine.run(place, { op: 'run', sql, parameters: [], stream: false, most: { rows: 1, bytes: 1e3, row: 1e3 } }, { time: 1e6 });
      await run('select 1');
      console.log(child.pid);
      await run('with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n');`,
    );
    const host = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(host.stdout, 'data')) as [Buffer];
    const id = Number(String(line).trim());
    expect(commandOf(id)).toContain('database-process');
    host.kill('SIGKILL');
    await expect.poll(() => commandOf(id)).toBe('');
  });
});
