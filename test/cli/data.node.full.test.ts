/** What plugins keep and use: export, import, usage. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readExport, writeData } from '@plinth/kernel/data';
import { expect, it } from 'vitest';
import { readValues } from '../../cli/src/data/data-file.ts';
import { filesOf, folderOf, json, plinth } from './plinth.ts';

const ID = 'com.example.keeper';
const keeper = {
  'plugins/keeper/plugin.json': {
    id: ID,
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    permissions: { storage: { read: true, write: true } },
  },
  'plugins/keeper/plugin.js': `export default {
  activate(ctx) {
    const all = { date: new Date(5), map: new Map([[1, new Set(['a'])]]), bytes: new Uint8Array([0, 255]),
      nan: NaN, zero: -0, big: 12345678901234567890n, none: null, list: [1, undefined], error: new TypeError('no'),
      text: 'a\\u2028b' };
    ctx.commands.handle('fill', async () => {
      for (const [key, value] of Object.entries(all)) await ctx.storage.set(key, value);
    });
    ctx.commands.handle('check', async () => {
      const { nan, zero, error, ...rest } = Object.fromEntries(await Promise.all(
        Object.keys(all).map(async (key) => [key, await ctx.storage.get(key)])));
      return [Number.isNaN(nan), Object.is(zero, -0), error instanceof Error && error.message,
        rest.date.getTime(), [...rest.map.get(1)], [...rest.bytes],
        rest.big === all.big, rest.none, rest.list, rest.text];
    });
    ctx.commands.handle('set', (value) => ctx.storage.set('text', value));
  },
};
`,
};

it('an export carries every value, and an import puts it back', async () => {
  const folder = await folderOf(keeper);
  await plinth(folder, ['exec', `${ID}:fill`]);
  const { code, out } = await plinth(folder, ['data', 'export', ID, 'keeper.data']);
  expect([code, out]).toEqual([0, `wrote 10 keys of ${ID} to ${join(folder, 'keeper.data')}\n`]);
  expect((await stat(join(folder, 'keeper.data'))).mode & 0o077).toBe(0);
  const text = await readFile(join(folder, 'keeper.data'), 'utf8');
  expect((await plinth(folder, ['data', 'export', ID])).out).toBe(text);
  await plinth(folder, ['data', 'purge', ID, '--yes']);
  await plinth(folder, ['exec', `${ID}:set`, '"other"']);
  expect((await plinth(folder, ['data', 'import', ID, 'keeper.data'])).out).toBe(
    `imported 10 keys of ${ID}\n`,
  );
  expect((await json(folder, ['exec', `${ID}:check`])).output).toEqual([
    true,
    true,
    'no',
    5,
    ['a'],
    [0, 255],
    true,
    null,
    [1, null],
    'a\u2028b',
  ]);
  expect((await plinth(folder, ['data', 'export', ID])).out).toBe(text);
});

it('a file that was cut, edited, or is of another plugin or format is refused, and changes nothing', async () => {
  const folder = await folderOf(keeper);
  await plinth(folder, ['exec', `${ID}:set`, '"mine"']);
  const good = await writeData(
    ID,
    new Map<string, unknown>([
      ['text', 'theirs'],
      ['more', 1n],
    ]),
  );
  const lines = good.trimEnd().split('\n');
  const cases: Readonly<Record<string, string>> = {
    cut: lines.slice(0, -1).join('\n'),
    edited: good.replace('theirs', 'others'),
    plugin: await writeData('com.example.other', new Map([['text', 'theirs']])),
    format: '{"text":"theirs"}\n',
    version: good.replace('"formatVersion":1', '"formatVersion":2'),
  };
  for (const [reason, text] of Object.entries({ ...cases, empty: '' })) {
    await writeFile(join(folder, 'bad.data'), text);
    expect(await json(folder, ['data', 'import', ID, 'bad.data'])).toMatchObject({
      ok: false,
      error: { code: 'data/invalid', details: { reason: reason === 'empty' ? 'format' : reason } },
    });
  }
  const { out } = await plinth(folder, ['data', 'export', ID]);
  expect(out).toBe(await writeData(ID, new Map([['text', 'mine']])));
  expect(await plinth(folder, ['data', 'import', ID, 'nowhere'])).toMatchObject({ code: 2 });
});

it('an import that the storage refuses in the middle changes nothing', async () => {
  const folder = await folderOf({
    ...keeper,
    'plinth.config.json': {
      plugins: 'plugins',
      policy: { resources: { tenant: { storage: '64KB' } } },
    },
  });
  await plinth(folder, ['exec', `${ID}:set`, '"mine"']);
  const before = (await plinth(folder, ['data', 'export', ID])).out;
  const text = await writeData(
    ID,
    new Map([
      ['a', 'x'],
      ['b', 'x'.repeat(200_000)],
      ['text', 'theirs'],
    ]),
  );
  await writeFile(join(folder, 'big.data'), text);
  expect(await json(folder, ['data', 'import', ID, 'big.data'])).toMatchObject({
    ok: false,
    error: { code: 'storage/quota' },
  });
  expect((await plinth(folder, ['data', 'export', ID])).out).toBe(before);
});

it('a file with a right digest is still checked line by line', async () => {
  const values = new Map([['a', 1]]);
  for (const key of ['', 'k'.repeat(513)])
    await expect(readValues(ID, 'f', await writeData(ID, new Map([[key, 1]])))).rejects.toThrow(
      'line 2',
    );
  expect(await readValues(ID, 'f', await writeData(ID, values))).toEqual(values);
});

it('an id that is none has no data to export', async () => {
  const folder = await folderOf(keeper);
  for (const id of ['../up', 'plinth', 'A'])
    expect(await json(folder, ['data', 'export', id, 'out.data'])).toMatchObject({ ok: false });
  expect(await filesOf(folder)).not.toContain('out.data');
});

it('an id of no plugin is refused by what reads and deletes data and by secrets', async () => {
  const folder = await folderOf(keeper);
  for (const args of [
    ['data', 'export', 'com.example.keper', 'out.data'],
    ['data', 'list', 'com.example.keper'],
    ['data', 'purge', 'com.example.keper', '--yes'],
  ])
    expect(await json(folder, args)).toMatchObject({
      ok: false,
      error: {
        code: 'plugin/not-found',
        message: expect.stringContaining(`did you mean '${ID}'?`),
        cure: expect.stringContaining('plinth data list'),
      },
    });
  expect(await filesOf(folder)).not.toContain('out.data');
  const input = 'correct-horse';
  const secret = await plinth(folder, ['secrets', 'set', 'com.example.keper', 'token'], { input });
  expect(secret).toMatchObject({ code: 1, err: expect.stringContaining('plugin/not-found') });
  // One that keeps nothing is there all the same.
  expect(await json(folder, ['data', 'export', ID, 'out.data'])).toMatchObject({ keys: 0 });
});

it('usage shows what each plugin uses, and one in full', async () => {
  const folder = await folderOf(keeper);
  await plinth(folder, ['exec', `${ID}:fill`]);
  const { out } = await plinth(folder, ['usage']);
  expect(out).toMatch(/^plugin +state +memory +cpu +storage +keys +start\n/);
  expect(out).toMatch(/com\.example\.keeper +active .* 10 +\d+(\.\d)? ms\n/);
  expect(out).toMatch(/\n\ntogether: memory .+, storage .+, calls 0\n$/);
  const full = (await plinth(folder, ['usage', ID])).out;
  expect(full).toMatch(/^id +com\.example\.keeper$/m);
  expect(full).toMatch(/^storage +.*, 10 keys$/m);
  expect(await json(folder, ['usage', ID])).toMatchObject({
    ok: true,
    usage: { id: ID, state: 'active', storage: { keys: 10 }, crashes: 0 },
  });
  expect(await json(folder, ['usage', 'com.example.none'])).toMatchObject({
    ok: false,
    error: { code: 'plugin/not-found' },
  });
});

const NOTES = 'com.example.notes';
/** A project whose plugin keeps values and rows. */
const withDatabase = {
  'plinth.config.js': `import { sql } from '@plinth/sql/host';
export default { extensions: [sql({ directory: new URL('databases', import.meta.url).pathname })] };
`,
  'plugins/notes/plugin.json': {
    id: NOTES,
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    permissions: {
      commands: { execute: ['plinth.sql:*'] },
      storage: { read: true, write: true },
    },
    contributes: { sql: { migrations: ['0001_notes.sql'] } },
  },
  'plugins/notes/0001_notes.sql': 'create table notes (text text not null);',
  'plugins/notes/plugin.js': `export default {
  activate(ctx) {
    const query = (sql, parameters = []) => ctx.commands.execute('plinth.sql:query', { sql, parameters });
    ctx.commands.handle('add', async (text) => {
      await query('insert into notes values (?)', [text]);
      await ctx.storage.set('last', text);
    });
    ctx.commands.handle('all', async () =>
      [(await query('select text from notes order by text')).rows.flat(), await ctx.storage.get('last')]);
  },
};
`,
};

// It starts seventeen processes.
it('an export has the database, too, and an import puts both back, or neither', {
  timeout: 180_000,
}, async () => {
  const folder = await folderOf({
    ...withDatabase,
    'plinth.config.js': withDatabase['plinth.config.js'].replace(
      'export default {',
      "export default { policy: { resources: { tenant: { storage: '64KB' } } },",
    ),
  });
  const run = async (command: string, ...input: readonly string[]) =>
    (await json(folder, ['exec', `${NOTES}:${command}`, ...input])).output;
  await run('add', '"first"');
  expect((await plinth(folder, ['data', 'export', NOTES, 'notes.data'])).out).toMatch(
    /^wrote 1 keys and a database of [\d,]+ bytes of com\.example\.notes to /,
  );
  expect((await plinth(folder, ['data', 'list'])).out).toMatch(/com\.example\.notes +1 +\d{4,}/);
  await run('add', '"second"');
  const imported = await plinth(folder, ['data', 'import', NOTES, 'notes.data']);
  expect(imported.out).toMatch(/^imported 1 keys and a database of [\d,]+ bytes of /);
  expect(await run('all')).toEqual([['first'], 'first']);

  // The storage refuses the values, so the database stays as it is.
  await run('add', '"third"');
  const { values, database } = await readExport(
    NOTES,
    await readFile(join(folder, 'notes.data'), 'utf8'),
  );
  const big = new Map([...values, ['big', 'x'.repeat(200_000)]]);
  await writeFile(join(folder, 'big.data'), await writeData(NOTES, big, database));
  expect(await json(folder, ['data', 'import', NOTES, 'big.data'])).toMatchObject({
    ok: false,
    error: { code: 'storage/quota' },
  });
  expect(await run('all')).toEqual([['first', 'third'], 'third']);

  // A copy that is none changes nothing either.
  const torn = await writeData(NOTES, values, database?.slice(0, 5_000));
  await writeFile(join(folder, 'torn.data'), torn);
  expect((await json(folder, ['data', 'import', NOTES, 'torn.data'])).ok).toBe(false);
  expect(await run('all')).toEqual([['first', 'third'], 'third']);

  await plinth(folder, ['data', 'purge', NOTES, '--yes']);
  expect((await plinth(folder, ['data', 'list'])).out).not.toMatch(/com\.example\.notes +[1-9]/);
  await plinth(folder, ['data', 'import', NOTES, 'notes.data']);
  expect(await run('all')).toEqual([['first'], 'first']);
});

it('a database without a place is refused, and changes nothing', async () => {
  const folder = await folderOf(keeper);
  await plinth(folder, ['exec', `${ID}:set`, '"mine"']);
  const text = await writeData(ID, new Map([['text', 'theirs']]), new Uint8Array(100_000));
  await writeFile(join(folder, 'more.data'), text);
  expect(await json(folder, ['data', 'import', ID, 'more.data'])).toMatchObject({
    ok: false,
    error: { code: 'data/no-databases' },
  });
  const other = await writeData(ID, new Map([['text', 'mine']]));
  expect((await plinth(folder, ['data', 'export', ID])).out).toBe(other);
  // Over a running kernel it would be lost.
  await expect(readValues(ID, 'f', text)).rejects.toThrow('it has a database');
  const { database } = await readExport(ID, text);
  expect(database).toEqual(new Uint8Array(100_000));
  const lines = text.trimEnd().split('\n');
  const short = [...lines.slice(0, 2), ...lines.slice(3, -1)].join('\n');
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(short));
  const sha256 = Buffer.from(digest).toString('hex');
  const end = JSON.stringify({ entries: short.split('\n').length - 1, sha256 });
  await expect(readExport(ID, `${short}\n${end}\n`)).rejects.toMatchObject({ reason: 'format' });
});
