import { definePlugin } from '@plinth/sdk';
import { database, type Generated } from '@plinth/sql';
import { __NAME__ } from './contract.ts';

/** The tables, as the migrations leave them. */
interface Schema {
  entries: { id: Generated<number>; text: string; added: string };
}

export default definePlugin({
  provides: [__NAME__],
  activate(ctx) {
    const db = database<Schema>(ctx);
    ctx.provide(__NAME__, {
      add: ({ text }) =>
        db
          .insertInto('entries')
          .values({ text, added: new Date().toISOString() })
          .returning('id')
          .executeTakeFirstOrThrow(),
      find: ({ words }) =>
        db
          .selectFrom('entries')
          .select(['id', 'text'])
          .where('text', 'like', `%${words}%`)
          .orderBy('id')
          .limit(100)
          .execute(),
      async remove({ id }) {
        const { numDeletedRows } = await db
          .deleteFrom('entries')
          .where('id', '=', id)
          .executeTakeFirst();
        return numDeletedRows > 0n;
      },
    });
  },
});
