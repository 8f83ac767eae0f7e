/** The database of a plugin behind each wall: bundled with Kysely, as authors ship it. */
import { rolldown } from 'rolldown';
import { beforeAll, describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { PERMISSIONS, withSql } from './databases.ts';

const SOURCE = `
  import { database } from '@plinth/sql';
  import { definePlugin } from '@plinth/sdk';
  export default definePlugin({
    async activate(ctx) {
      const db = database(ctx);
      await db.schema.createTable('notes').ifNotExists()
        .addColumn('id', 'integer', (column) => column.primaryKey()).addColumn('text', 'text').addColumn('data', 'blob').execute();
      ctx.commands.handle('all', async () => {
        await db.transaction().execute(async (trx) => {
          for (const id of [1, 2, 3])
            await trx.insertInto('notes').values({ id, text: 'note ' + id, data: new Uint8Array([id]) }).execute();
        });
        const failed = await db.insertInto('notes').values({ id: 1 }).execute().catch(({ code, name }) => [code, name]);
        const ids = [];
        for await (const { id } of db.selectFrom('notes').select('id').orderBy('id').stream()) ids.push(id);
        const { data, big } = await db.selectFrom('notes').select(['data', (e) => e.val(2n ** 60n).as('big')]).where('id', '=', 2).executeTakeFirstOrThrow();
        return { failed, ids, data, big };
      });
    },
  });
`;

let code: string;
beforeAll(async () => {
  const entry = `${import.meta.dirname}/entry.js`;
  const bundle = await rolldown({
    input: entry,
    platform: 'browser',
    plugins: [
      {
        name: 'source',
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) => (id === entry ? SOURCE : undefined),
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'es', minify: true });
  await bundle.close();
  code = output[0].code;
});

describe.each(['worker', 'process', 'sandbox'] as const)('in isolation %s', (isolation) => {
  it('a plugin queries, fails with codes, has transactions and streams', async () => {
    const found = {
      origin: 'memory:test.notes',
      held: true as const,
      manifest: {
        id: 'test.notes',
        version: '1.0.0',
        main: 'plugin.js',
        engines: { plinth: '^1.0.0' },
        isolation,
        permissions: PERMISSIONS,
      },
      code: async () => code,
    };
    const { kernel } = await withSql([found], {}, { isolation, host: createHost() });
    expect(await kernel.commands.execute('test.notes:all')).toEqual({
      failed: ['sql/constraint', 'PluginValidationError'],
      ids: [1, 2, 3],
      data: new Uint8Array([2]),
      big: 2n ** 60n,
    });
  });
});
