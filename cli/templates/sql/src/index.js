import { definePlugin } from '@plinth/sdk';
import { database } from '@plinth/sql';
import { __NAME__ } from './contract.js';

/**
 * The tables, as the migrations leave them.
 *
 * @typedef {object} Schema
 * @property {{ id: import('@plinth/sql').Generated<number>, text: string, added: string }} entries
 */

export default definePlugin({
  provides: [__NAME__],
  activate(ctx) {
    /** @type {import('@plinth/sql').Kysely<Schema>} */
    const db = database(ctx);
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
