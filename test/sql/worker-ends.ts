/** Ends the database worker while a plugin writes, and counts what it was told is kept. */
import { expect } from 'vitest';
import { packageWith, withSql } from './databases.ts';

/** Each acknowledged number is there afterwards, and no transaction is there in part. */
export async function survivesEnds(rounds: number, workers: readonly Worker[]): Promise<void> {
  const writer = packageWith({
    migrations: {
      '0001_notes.sql':
        'create table notes (id integer primary key, text text); create table pairs (id integer primary key)',
    },
    activate: (ctx, db) => {
      ctx.commands.handle('pair', (id) =>
        db.transaction().execute(async (trx) => {
          await trx
            .insertInto('notes')
            .values({ id: id as number, text: 'x'.repeat(2_000) })
            .execute();
          await trx
            .insertInto('pairs' as never)
            .values({ id } as never)
            .execute();
        }),
      );
    },
  });
  const { kernel, run } = await withSql([writer]);
  const kept = new Set<number>();
  let last = 0;
  for (let round = 0; round < rounds; round++) {
    // What only reads is done again when the last end is noticed by it.
    await run('select 1');
    last += 1;
    await run('insert into notes values (?, ?)', [last, 'alone']);
    kept.add(last);
    const victim = workers.at(-1) as Worker;
    let ended = false;
    // The moment moves through what a write does.
    setTimeout(
      () => {
        victim.terminate();
        ended = true;
      },
      (round % 16) / 2,
    );
    while (!ended) {
      last += 1;
      const id = last;
      const writing =
        id % 2 === 0
          ? run('insert into notes values (?, ?)', [id, 'alone'])
          : kernel.commands.execute('test.notes:pair', id);
      await writing.then(
        () => kept.add(id),
        (error: { code: string }) => expect(error.code).toBe('sql/interrupted'),
      );
    }
  }
  const rows = (await run('select id, text from notes order by id')).rows as {
    id: number;
    text: string;
  }[];
  const there = new Set(rows.map(({ id }) => id));
  expect([...kept].filter((id) => !there.has(id))).toEqual([]);
  const pairs = (await run('select id from pairs order by id')).rows.map(({ id }) => id);
  expect(rows.filter(({ text }) => text !== 'alone').map(({ id }) => id)).toEqual(pairs);
  expect(workers.length).toBeGreaterThan(rounds);
  expect(kept.size).toBeGreaterThanOrEqual(rounds);
}
