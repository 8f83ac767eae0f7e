/** What plugins try against other files of the machine, with witnesses outside. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { folder, packageWith, withSql } from './databases.ts';

/** Another database, with a secret in it. */
async function strangers(): Promise<{ readonly path: string; secret(): unknown }> {
  const path = join(await folder(), 'secret.sqlite');
  const db = new DatabaseSync(path);
  db.exec("create table secrets (text); insert into secrets values ('secret')");
  db.close();
  return {
    path,
    secret() {
      const again = new DatabaseSync(path, { readOnly: true });
      const rows = again.prepare('select text from secrets').all();
      again.close();
      return rows;
    },
  };
}

it('a statement can not reach other files', async () => {
  const { path, secret } = await strangers();
  const into = join(await folder(), 'copy.sqlite');
  // The control: without the wall each of them works.
  const control = new DatabaseSync(':memory:');
  control.exec(`attach '${path}' as a`);
  expect(control.prepare('select text from a.secrets').all().length).toBe(1);
  control.close();
  const { run } = await withSql([packageWith({})]);
  await run('create table notes (id integer primary key, text text)');
  for (const text of [
    `attach '${path}' as a`,
    'detach main',
    `vacuum into '${into}'`,
    'vacuum',
    `select load_extension('${path}')`,
    `select readfile('${path}')`,
    `select writefile('${into}', 'x')`,
    `create virtual table f using fts4(a, tokenize=icu)`,
    `create virtual table f using csv(filename='${path}')`,
    `create virtual table f using dbstat('main')`,
    'create temp table t (a)',
    'create temp trigger t after insert on notes begin select 1; end',
  ]) {
    const { code } = await rejection(run(text));
    expect([text, code]).toEqual([text, expect.stringMatching(/^sql\/(denied|failed)$/)]);
  }
  expect(existsSync(into)).toBe(false);
  expect(secret()).toEqual([{ text: 'secret' }]);
});
