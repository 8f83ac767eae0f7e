/** A page whose plugin keeps notes. Leaves in `outcome` what it has kept, or what went wrong. */
import { createKernel, packageSource } from '@plinth/host-browser';
import { sql } from '@plinth/sql/host';
import { host } from './host.js';

const code = `export default { activate(ctx) {
  const query = async (sql, parameters = []) =>
    (await ctx.commands.execute('plinth.sql:query', { sql, parameters })).rows;
  ctx.commands.handle('keep', async (text) => {
    await query('create table notes (text text)');
    await query('insert into notes values (?)', [text]);
    return query('select text from notes');
  });
} };`;
const manifest = {
  id: 'example.notes',
  version: '1.0.0',
  main: 'plugin.js',
  engines: { plinth: '^1.0.0' },
  permissions: { commands: { execute: ['plinth.sql:*'] } },
};

async function run() {
  const kernel = await createKernel({
    host: host(),
    sources: [packageSource([{ manifest, code }])],
    extensions: [sql({ directory: 'databases' })],
  });
  try {
    await kernel.start();
    return await kernel.commands.execute('example.notes:keep', 'buy milk');
  } catch (error) {
    return `${error.code}: ${error.message}`;
  } finally {
    await kernel.stop();
  }
}

run().then((outcome) => {
  globalThis.outcome = outcome;
});
