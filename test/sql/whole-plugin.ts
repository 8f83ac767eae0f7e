/** A plugin that does all that a database can, for each isolation. */
import { definePlugin } from '@plinth/sdk';
import { database, type Generated } from '@plinth/sql';

interface Tables {
  notes: { id: Generated<number>; text: string | null; data: Uint8Array | null };
}

export default definePlugin({
  async activate(ctx) {
    const db = database<Tables>(ctx);
    await db.schema
      .createTable('notes')
      .ifNotExists()
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('text', 'text')
      .addColumn('data', 'blob')
      .execute();
    ctx.commands.handle('all', async () => {
      await db.transaction().execute(async (trx) => {
        for (const id of [1, 2, 3])
          await trx
            .insertInto('notes')
            .values({ id, text: `note ${id}`, data: new Uint8Array([id]) })
            .execute();
      });
      const failed = await db
        .insertInto('notes')
        .values({ id: 1 })
        .execute()
        .catch(({ code, name }) => [code, name]);
      const ids = [];
      for await (const { id } of db.selectFrom('notes').select('id').orderBy('id').stream())
        ids.push(id);
      const { data, big } = await db
        .selectFrom('notes')
        .select(['data', (of) => of.val(2n ** 60n).as('big')])
        .where('id', '=', 2)
        .executeTakeFirstOrThrow();
      return { failed, ids, data, big };
    });
  },
});
