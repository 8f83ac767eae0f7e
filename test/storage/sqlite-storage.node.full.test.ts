/** `sqlStorage({ file })`: the suites, and its behaviour on a disk. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { PluginError } from '@plinth/sdk';
import { type SqlPlace, sqlStorage } from '@plinth/sql/storage';
import { afterAll, describe, expect, it } from 'vitest';
import { machineLate } from '#reference-clock';
import { rejection } from '../support/kernels.ts';
import { sqlRegistrySuite } from './sql-registry-suite.ts';
import { type Database, opened, sqlStorageSuite } from './sql-storage-suite.ts';

const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-sqlite-'));
  folders.push(folder);
  return folder;
}
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

const fileOf = (place: SqlPlace) => (place as { readonly file: string }).file;

const database: Database = {
  newPlace: async () => ({ file: join(await newFolder(), 'data', 'kernel.sqlite') }),
  async outside(place, sql) {
    const database = new DatabaseSync(fileOf(place));
    try {
      return database.prepare(sql.replaceAll('@', '')).all();
    } finally {
      database.close();
    }
  },
};
sqlStorageSuite('SQLite', database);
sqlRegistrySuite('SQLite', database);

describe('a file of sqlStorage()', () => {
  it('belongs to its user alone, is one file when it is closed, and holds no process', async () => {
    const folder = await newFolder();
    const file = join(folder, 'data.sqlite');
    const storage = sqlStorage({ file });
    await storage.set('a', 1);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await storage.close();
    expect(await readdir(folder)).toEqual(['data.sqlite']);
    const script = `
      import { sqlStorage } from '@plinth/sql/storage';
      const storage = sqlStorage({ file: ${JSON.stringify(file)} });
      console.log(await storage.get('a'));
    `;
    const cwd = import.meta.dirname;
    const args = ['--input-type=module', '--eval', script];
    // It is not closed, and the process ends all the same.
    expect((await promisify(execFile)(process.execPath, args, { cwd })).stdout).toBe('1\n');
  });

  it('waits for another program that writes, and says so when that takes too long', async () => {
    const file = join(await newFolder(), 'data.sqlite');
    const storage = opened({ file });
    await storage.set('a', 1);
    const other = new DatabaseSync(file);
    other.exec('begin immediate');
    const waits = storage.set('a', 2);
    const late = storage.set('b', 1);
    await setTimeout(300);
    other.exec('commit');
    await Promise.all([waits, late]);
    other.exec('begin immediate');
    const error = await rejection(storage.set('a', 3));
    expect(error).toMatchObject({ code: 'storage/locked', details: { database: file } });
    other.exec('commit');
    other.close();
    expect(await storage.get('a')).toBe(2);
  });

  it('lists what it has, also beside rows that another program has written', async () => {
    const file = join(await newFolder(), 'data.sqlite');
    const storage = opened({ file });
    await storage.set('a', 1);
    const other = new DatabaseSync(file);
    for (const key of ["x'616263'", "'a text'", "x''"])
      other.exec(`insert into plinth_storage values (${key}, x'00', x'00', x'00')`);
    other.close();
    expect([...(await storage.keys(''))].sort()).toEqual(['', 'a']);
    expect([...(await storage.sizes('a')).keys()]).toEqual(['a']);
    // Its digest is wrong, so it is set aside when it is read.
    expect([await storage.get(''), await storage.keys('')]).toEqual([undefined, ['a']]);
  });

  it('is made again when it was deleted while in use, and that is reported', async () => {
    const folder = await newFolder();
    const file = join(folder, 'data.sqlite');
    const storage = opened({ file });
    const problems: PluginError[] = [];
    storage.onCorrupt((problem) => problems.push(problem));
    await storage.set('a', 1);
    for (const name of await readdir(folder)) await rm(join(folder, name));
    await storage.set('b', 2);
    expect(problems.map(({ code }) => code)).toEqual(['storage/failed']);
    expect(problems[0]?.message).toContain(file);
    await storage.close();
    expect(await opened({ file }).keys('')).toEqual(['b']);
  });

  it.each([
    ['no database', async (file: string) => writeFile(file, 'x'.repeat(5_000)), 'SQLITE_26'],
    [
      'a database of another program',
      async (file: string) => {
        const other = new DatabaseSync(file);
        other.exec('create table plinth_storage (name text)');
        other.close();
      },
      'SQLITE_1',
    ],
  ])('that is %s is refused, with its path, and stays as it is', async (_, make, reason) => {
    const file = join(await newFolder(), 'data.sqlite');
    await make(file);
    const storage = opened({ file });
    const error = await rejection(storage.set('a', 1));
    expect(error).toMatchObject({ code: 'storage/failed', details: { database: file, reason } });
    expect((await storage.problem())?.code).toBe('storage/failed');
  });

  it('whose folder can not be made is refused with the reason of the system', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'file'), '');
    const error = await rejection(opened({ file: join(folder, 'file', 'data.sqlite') }).get('a'));
    expect(error.code).toBe('storage/failed');
    expect(error.message).toMatch(/choose another/);
  });

  it('holds no turn of the event loop while it writes', async () => {
    const storage = opened({ file: join(await newFolder(), 'data.sqlite') });
    await storage.set('a', 1);
    const since = Date.now();
    await machineLate(since);
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    for (let round = 0; round < 20; round += 1)
      await Promise.all(
        Array.from({ length: 50 }, (_, at) => storage.set(`key ${at}`, 'x'.repeat(1_000))),
      );
    clearInterval(timer);
    // Without what an idle thread is late by, too.
    expect(longest - (await machineLate(since))).toBeLessThan(250);
  });
});

describe('sqlStorage()', () => {
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'options'],
    ['a path in place of options', './data.sqlite', 'options'],
    ['no place', {}, 'file'],
    ['two places', { file: 'a', postgres: 'postgres://a/b' }, 'file'],
    ['an empty path', { file: '' }, 'file'],
    ['memory, which another process can not share', { file: ':memory:' }, 'file'],
    ['an unknown option', { file: 'a', flie: 'b' }, 'flie'],
    ['a schema for a file', { file: 'a', schema: 'b' }, 'schema'],
    ['an address that is none', { postgres: 'localhost' }, 'postgres'],
    ['a schema with a quote', { postgres: 'postgres://a/b', schema: 'a"b' }, 'schema'],
  ])('refuses %s', (_, options, option) => {
    expect(() => sqlStorage(options as SqlPlace)).toThrow(
      expect.objectContaining({ code: 'kernel/invalid-option', details: { option } }),
    );
  });
});
