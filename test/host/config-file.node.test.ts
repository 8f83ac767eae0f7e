/** Settings files: every format, every kind of mistake, and change notifications. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { configFile } from '@plinth/host-node';
import { PluginConfigurationError } from '@plinth/sdk';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { rejection } from '../support/kernels.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-'));
  folders.push(folder);
  return folder;
}
/** Creates a file with the content. Returns its path. */
function file(name: string, content: string | Uint8Array): string {
  const path = join(newFolder(), name);
  writeFileSync(path, content);
  return path;
}
/** A file that was written long ago, so that it is read without waiting. */
function oldFile(name: string, content: string | Uint8Array): string {
  const path = file(name, content);
  utimesSync(path, 1, 1);
  return path;
}
const load = (name: string, content: string | Uint8Array) =>
  configFile(oldFile(name, content)).load();
/** The refusal of a file: always `config/invalid` and always with its path. */
async function refusal(path: string, options?: { optional?: boolean }) {
  const error = await rejection(Promise.resolve().then(() => configFile(path, options).load()));
  expect(error).toBeInstanceOf(PluginConfigurationError);
  expect(error).toMatchObject({ code: 'config/invalid', details: { path } });
  expect(error.message).toContain(path);
  return error;
}
const refused = (name: string, content: string | Uint8Array) => refusal(oldFile(name, content));

describe('configFile() reads', () => {
  const settings = {
    'com.example.notes': { max: 3, tags: ['a', 'b'], nested: { on: true, nothing: 'x' } },
    clock: { zone: 'UTC' },
  };
  it.each<[string, string]>([
    ['settings.json', JSON.stringify(settings)],
    ['settings.jsonc', `// notes\n${JSON.stringify(settings).replace(/}$/, ', /* the end */ }')}`],
    [
      'settings.json5',
      "{'com.example.notes': {max: 0x3, tags: ['a', \"b\",], nested: {on: true, nothing: 'x'}}, // the clock\n clock: {zone: 'UTC'}}",
    ],
    [
      'settings.yaml',
      'com.example.notes:\n  max: 3\n  tags: [a, b]\n  nested:\n    on: true # a comment\n    nothing: x\nclock: {zone: UTC}\n',
    ],
    [
      'SETTINGS.YML',
      'com.example.notes: {max: 3, tags: [a, b], nested: {"on": true, nothing: x}}\nclock: {zone: UTC}\n',
    ],
    [
      'settings.toml',
      '["com.example.notes"]\nmax = 3\ntags = ["a", "b"]\nnested = { on = true, nothing = "x" }\n[clock]\nzone = "UTC"\n',
    ],
  ])('%s, with and without a byte order mark', async (name, content) => {
    expect(await load(name, content)).toEqual(settings);
    expect(await load(name, `\uFEFF${content}`)).toEqual(settings);
  });

  it.each<[string, string]>([
    ['a.json', '{}'],
    ['a.yaml', '{}\n'],
    ['a.toml', '# nothing set\n'],
  ])('no settings from %s', async (name, content) => {
    expect(await load(name, content)).toEqual({});
  });

  it('plain objects that share nothing, even where the text does', async () => {
    const { one, two } = (await load(
      'a.yaml',
      'one: {list: &list [1, {a: 2}]}\ntwo: {list: *list}\n',
    )) as Record<string, { list: unknown[] }>;
    expect(two?.list).toEqual([1, { a: 2 }]);
    expect(two?.list).not.toBe(one?.list);
    const fromToml = await load('a.toml', '[clock.inner]\na = 1\n');
    expect(Object.getPrototypeOf(fromToml.clock?.inner)).toBe(Object.prototype);
  });

  it('dates as the same texts from every format', async () => {
    const toml =
      'at = 2026-01-02T03:04:05Z\nday = 2026-01-02\ntime = 03:04:05\nlocal = 2026-01-02T03:04:05\n';
    expect(await load('a.toml', `[clock]\n${toml}`)).toEqual({
      clock: {
        at: '2026-01-02T03:04:05.000Z',
        day: '2026-01-02',
        time: '03:04:05.000',
        local: '2026-01-02T03:04:05.000',
      },
    });
    expect(await load('a.yaml', 'clock: {at: 2026-01-02T03:04:05Z, day: 2026-01-02}\n')).toEqual({
      clock: { at: '2026-01-02T03:04:05Z', day: '2026-01-02' },
    });
  });

  it("the file relative to the process's folder at the time of the call", async () => {
    const path = file('a.json', '{}');
    const before = process.cwd();
    onTestFinished(() => process.chdir(before));
    process.chdir(dirname(path));
    const source = configFile('a.json');
    process.chdir(before);
    expect(source.name).toBe(path);
    expect(await source.load()).toEqual({});
  });

  it('a file of exactly the largest size', async () => {
    const frame = '{"notes":{"text":""}}';
    const text = 'x'.repeat(1_048_576 - frame.length);
    expect(await load('a.json', frame.replace('""', `"${text}"`))).toEqual({ notes: { text } });
  });
});

describe('configFile() refuses', () => {
  it('a file that is missing, unless it may be', async () => {
    const path = join(newFolder(), 'none.yaml');
    expect((await refusal(path)).message).toContain('does not exist');
    expect((await refusal(path)).cause).toMatchObject({ code: 'ENOENT' });
    expect(await configFile(path, { optional: true }).load()).toEqual({});
  });

  it('an unknown extension, at once, and names the closest known one', () => {
    expect(() => configFile('/etc/plinth.yalm')).toThrow(/did you mean 'yaml'/);
    expect(() => configFile('/etc/plinth')).toThrow(PluginConfigurationError);
  });

  it.each([false, true])(
    'a folder, a pipe, a link to itself and a path through a file (optional: %s)',
    async (optional) => {
      const folder = newFolder();
      mkdirSync(join(folder, 'folder.json'));
      execFileSync('mkfifo', [join(folder, 'pipe.json')]);
      symlinkSync('loop.json', join(folder, 'loop.json'));
      writeFileSync(join(folder, 'file'), '');
      expect((await refusal(join(folder, 'folder.json'), { optional })).message).toContain(
        'is a folder',
      );
      expect((await refusal(join(folder, 'pipe.json'), { optional })).message).toContain(
        'is not a file',
      );
      expect((await refusal(join(folder, 'loop.json'), { optional })).cause).toMatchObject({
        code: 'ELOOP',
      });
      expect((await refusal(join(folder, 'file', 'a.json'), { optional })).cause).toMatchObject({
        code: 'ENOTDIR',
      });
    },
  );

  it.skipIf(process.getuid?.() === 0)('a file it may not read', async () => {
    const path = file('a.json', '{}');
    chmodSync(path, 0);
    expect((await refusal(path)).cause).toMatchObject({ code: 'EACCES' });
  });

  it('a file that is too big, without reading it', async () => {
    const path = file('a.json', '{}');
    truncateSync(path, 2 ** 40);
    expect((await refusal(path)).message).toContain('more than 1048576 bytes');
    expect((await refused('a.json', `{}${' '.repeat(1_048_575)}`)).message).toContain(
      'more than 1048576 bytes',
    );
  });

  it.each<[string, Uint8Array]>([
    ['a broken sequence', Buffer.from([0x7b, 0xc3, 0x28, 0x7d])],
    ['UTF-16', Buffer.from('\uFEFF{}', 'utf16le')],
    ['half a surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ])('what is not UTF-8: %s', async (_, bytes) => {
    expect((await refused('a.json', bytes)).message).toContain('is not UTF-8');
  });

  it.each(['a.json', 'a.jsonc', 'a.json5', 'a.yaml', 'a.toml'])('an empty %s', async (name) => {
    expect((await refused(name, '')).message).toContain('is empty');
    expect((await refused(name, ' \n\uFEFF\n')).message).toContain('is empty');
  });

  it.each<[string, string, number, number]>([
    ['a.json', '{\n  "notes": {"a": "secret", }\n}', 2, 28],
    ['a.json', '{"notes": {"a": "secret"', 1, 25],
    ['a.json', '{"notes": {}} {}', 1, 15],
    ['a.jsonc', '{\n // why\n "notes": "secret" : }', 3, 20],
    ['a.json5', '{notes: {a: "secret"},\n b: }', 2, 5],
    ['a.yaml', 'notes:\n  a: [secret, 2\nc: 3\n', 3, 1],
    ['a.yaml', 'notes: {}\nnotes: {}\n', 2, 1],
    ['a.yaml', 'notes: !!js/function "secret"\n', 1, 8],
    ['a.yaml', 'notes: {a: *none}\n', 1, 13],
    ['a.yaml', `notes: !<${'x'.repeat(9_000)}> a\n`, 1, 8],
    ['a.yaml', `notes: ${'['.repeat(50_000)}`, 1, 107],
    ['a.toml', '[notes]\na = "secret"\n[b\nc = 2\n', 3, 3],
    ['a.toml', '[notes]\na = 1\na = 2\n', 3, 1],
    ['a.toml', '[notes]\na = 12345678901234567890\n', 2, 5],
  ])(
    '%s with a syntax error, and reports its position: %j',
    async (name, content, line, column) => {
      const error = await refused(name, content);
      expect(error.details).toMatchObject({ line, column });
      expect(error.message).toContain(`(line ${line}, column ${column})`);
      expect(error.cause).toBeInstanceOf(SyntaxError);
      expect(error.message.length).toBeLessThan(300);
    },
  );

  it.each<[string, string]>([
    ['a.json', '{"notes": {"a": hunter2}}'],
    ['a.json', '{"notes": {"a": "x", hunter2}}'],
    ['a.jsonc', '{"notes": {"a": "hunter2\n"}}'],
    ['a.json5', '{notes: {a: "hunter2\n"}}'],
    ['a.yaml', 'notes: {a: "hunter2\nb: [}\n'],
    ['a.toml', '[notes]\na = "hunter2\nb = [\n'],
  ])('%s with a syntax error without exposing a secret to the logs: %j', async (name, content) => {
    const error = await refused(name, content);
    expect(
      `${error.stack} ${(error.cause as Error).stack} ${JSON.stringify([error, error.cause, error.details])}`,
    ).not.toContain('hunter2');
  });

  it.each<[string, string, string]>([
    ['a.json', '[]', 'a list'],
    ['a.json', 'null', 'empty'],
    ['a.json5', '"text"', 'a string'],
    ['a.yaml', '- a\n', 'a list'],
    ['a.yaml', 'plain text\n', 'a string'],
    ['a.json', '{"notes": [1]}', 'notes: the settings are a list'],
    ['a.yaml', 'notes:\n', 'notes: the settings are empty'],
    ['a.toml', 'notes = 2026-01-02\n', 'notes: the settings are a date'],
  ])('%s of the wrong shape: %j', async (name, content, message) => {
    expect((await refused(name, content)).message).toContain(message);
  });

  it.each<[string, string, string, number]>([
    ['a.json', '{"notes": {"a": {"b": 1,\n "b": 2}}}', 'notes.a.b', 2],
    ['a.json', '{"notes": {"a": 1, "\\u0061": 2}}', 'notes.a', 1],
    ['a.json', '{"notes": {}, "notes": {"a": "{}[],:\\""}}', 'notes', 1],
    [
      'a.jsonc',
      '{"notes": {"list": [1, {"a": 1, // "a": 3\n /* } */ "a": 2}]}}',
      'notes.list.1.a',
      2,
    ],
    ['a.json5', "{notes: {a: '}//', // {\n 'a': 2}}", 'notes.a', 2],
    ['a.json5', '{notes: {b\\u0061: 1, ba: 2}}', 'notes.ba', 1],
  ])('%s with a duplicate key: %j', async (name, content, path, line) => {
    expect((await refused(name, content)).details).toMatchObject({
      problems: [{ path, message: `is written twice, again in line ${line}` }],
    });
  });

  it('no key that occurs once in each of many objects', async () => {
    const content =
      '{"notes": {"a": {"b": 1}, "c": {"b": "b"}, "l": [{"b": 1}, {"b": "x\\\\"}, "b", "b"]}, "b": {"notes": {}}}';
    for (const name of ['a.json', 'a.jsonc', 'a.json5'])
      expect(await load(name, content)).toEqual(JSON.parse(content));
  });

  it.each<[string, (key: string) => string]>([
    ['a.json', (key) => `{"notes": {"deep": [{"${key}": {"polluted": true}}]}}`],
    ['b.json', (key) => `{"${key}": {"polluted": true}}`],
    ['a.jsonc', (key) => `{"notes": {"${key}": {"polluted": true}}}`],
    ['a.json5', (key) => `{notes: {${key}: {polluted: true}}}`],
    ['a.yaml', (key) => `notes:\n  ${key}:\n    polluted: true\n`],
    ['b.yaml', (key) => `${key}:\n  polluted: true\n`],
    ['a.toml', (key) => `[notes.${key}]\npolluted = true\n`],
    ['b.toml', (key) => `[${key}]\npolluted = true\n`],
  ])('keys that reach a prototype, at any depth, in %s', async (name, write) => {
    for (const key of ['__proto__', 'constructor', 'prototype'])
      expect((await refused(name, write(key))).message).toContain(
        `'${key}' is not allowed as a key`,
      );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it.each<[string, string]>([
    ['a.yaml', 'notes: {a: .nan}\n'],
    ['a.yaml', 'notes: {a: [1, -.inf]}\n'],
    ['a.toml', '[notes]\na = nan\n'],
    ['a.toml', '[notes]\na = -inf\n'],
    ['a.json5', '{notes: {a: NaN}}'],
    ['a.json', '{"notes": {"a": 1e999}}'],
  ])('%s with a number that is not finite: %j', async (name, content) => {
    expect((await refused(name, content)).message).toMatch(
      /notes\.a(\.1)?: (NaN|-?Infinity) is not a number/,
    );
  });

  it('a YAML merge key named <<', async () => {
    expect(
      (await refused('a.yaml', 'base: &base {a: 1}\nnotes:\n  <<: *base\n')).message,
    ).toContain('notes.<<: YAML 1.2 has no merge keys');
  });

  it.each<[string, string]>([
    ['Com.Example.Notes', 'com.example.notes'],
    ['com.example.my_notes', 'com.example.my-notes'],
    [' com.example.notes', 'com.example.notes'],
    ['com/example/notes', 'com.example.notes'],
    ['com.example.notes@1', 'com.example.notes'],
    ['com..example.-notes-', 'com.example.notes'],
  ])('the id %j, and names %s', async (written, meant) => {
    expect((await refused('a.json', JSON.stringify({ [written]: {} }))).message).toContain(
      `(did you mean '${meant}'?)`,
    );
  });

  it.each(['', '9', 'kernel.settings', 'é', 'x'.repeat(200)])(
    'the id %j, with the reason',
    async (id) => {
      const { details } = await refused('a.json', JSON.stringify({ [id]: {} }));
      expect(details).toMatchObject({
        problems: [{ path: id, message: expect.stringMatching(/^(an id|ids) /) }],
      });
    },
  );

  it('an id that TOML splits into tables', async () => {
    expect((await refused('a.toml', '[com.example.notes]\nmax = 1\n')).message).toContain(
      'in quotes in TOML, like ["com.example"]',
    );
  });

  it('every problem at once, up to twenty', async () => {
    const { details, message } = await refused(
      'a.yaml',
      'notes: {a: .nan, b: {constructor: 1}}\nNOTES: {}\nclock: 1\n',
    );
    expect((details as { problems: { path: string }[] }).problems.map(({ path }) => path)).toEqual([
      'notes.a',
      'notes.b.constructor',
      'NOTES',
      'clock',
    ]);
    expect(message).toContain('; NOTES: ');
    const many = await refused(
      'a.json',
      `{"notes": [${Array(9_000).fill(1)}], ${Array.from({ length: 9_000 }, (_, n) => `"X${n}": {}`)}}`,
    );
    expect(many.details?.problems).toHaveLength(20);
  });

  describe('content that would expand', () => {
    const bomb = (first: string, level: (of: string) => string) =>
      `notes:\n  a0: &a0 ${first}\n${Array.from({ length: 30 }, (_, n) => `  a${n + 1}: &a${n + 1} ${level(`*a${n}`)}\n`).join('')}`;
    it.each<[string, string, RegExp]>([
      ['lists of lists', bomb('[x, x]', (of) => `[${of}, ${of}, ${of}, ${of}]`), /repeats itself/],
      [
        'objects of objects',
        bomb('{a: x}', (of) => `{a: ${of}, b: ${of}, c: ${of}}`),
        /repeats itself/,
      ],
      [
        'one long text many times',
        `notes:\n  a: &a ${'x'.repeat(500_000)}\n  b: [${Array(9_000).fill('*a').join(', ')}]\n`,
        /repeats itself/,
      ],
      [
        'long keys many times',
        `notes:\n  a: &a {${'x'.repeat(900)}: 1}\n  b: [${Array(9_000).fill('*a').join(', ')}]\n`,
        /repeats itself/,
      ],
      [
        'a part of itself',
        'notes: &notes\n  a: *notes\n  b: [*notes, *notes]\n',
        /nested deeper than 64 levels/,
      ],
    ])('in YAML: %s', async (_, content, message) => {
      const error = await refused('a.yaml', content);
      expect(error.message).toMatch(message);
      expect(error.message.length).toBeLessThan(20_000);
    });

    it.each<[string, string]>([
      ['a.json', `{"notes": ${'{"a": '.repeat(50_000)}1${'}'.repeat(50_001)}`],
      ['a.json', `{"notes": {"a": ${'['.repeat(50_000)}${']'.repeat(50_000)}}}`],
      ['a.jsonc', `{"notes": ${'{"a": '.repeat(70)}1${'}'.repeat(71)}`],
      ['a.json5', `{notes: ${'{a: '.repeat(50_000)}1${'}'.repeat(50_001)}`],
      ['a.yaml', `notes: ${'{a: '.repeat(80)}1${'}'.repeat(80)}\n`],
      ['a.toml', `[notes]\n${Array(400).fill('a').join('.')} = 1\n`],
    ])('in depth: %s', async (name, content) => {
      expect((await refused(name, content)).message).toMatch(/nested deeper than 64 levels/);
    });

    it('but not the longest list that fits in a file', async () => {
      expect(
        (await load('a.json', `{"notes": {"a": [${'0,'.repeat(500_000)}0]}}`)).notes?.a,
      ).toHaveLength(500_001);
      expect(
        (await load('a.yaml', `notes:\n  a:\n${'  -\n'.repeat(200_000)}`)).notes?.a,
      ).toHaveLength(200_000);
    });
  });
});

describe('configFile() and a concurrent writer', () => {
  const whole = (n: number) =>
    JSON.stringify({ notes: { n, text: String(n % 10).repeat(200_000), end: n } });
  const isWhole = (settings: unknown) => {
    const { n, text, end } = (settings as { notes: { n: number; text: string; end: number } })
      .notes;
    return n === end && text === String(n % 10).repeat(200_000);
  };

  it('a file that is replaced repeatedly is always read whole', async () => {
    const path = file('a.json', whole(0));
    const source = configFile(path);
    for (let n = 1; n <= 12; n++) {
      const reading = Promise.all([source.load(), source.load()]);
      writeFileSync(`${path}.new`, whole(n));
      renameSync(`${path}.new`, path);
      expect((await reading).every(isWhole)).toBe(true);
      expect((await source.load()).notes?.n).toBe(n);
    }
  });

  it.each<[string, string, string]>([
    ['a.json', whole(1).slice(0, 1_000), whole(1)],
    ['a.toml', '[notes]\nn = 1\n', '[notes]\nn = 1\nend = 1\n'],
    ['a.yaml', 'notes:\n  n: 1\n', 'notes:\n  n: 1\n  end: 1\n'],
  ])(
    'a half-written %s is waited for, even if the half looks valid',
    async (name, half, content) => {
      const path = file(name, half);
      const reading = configFile(path).load();
      const writing = setImmediate(() => writeFileSync(path, content));
      onTestFinished(() => clearImmediate(writing));
      expect(await reading, name).toMatchObject({ notes: { n: 1, end: 1 } });
    },
  );

  it('a writer that never stops leads to an error, or a read between two writes', async () => {
    const path = file('a.json', whole(0));
    let n = 0;
    const writing = setInterval(() =>
      writeFileSync(path, whole(++n).slice(0, n % 2 === 0 ? undefined : 100)),
    );
    onTestFinished(() => clearInterval(writing));
    for (let round = 0; round < 2; round++) {
      const [result] = await Promise.allSettled([configFile(path).load()]);
      if (result.status === 'fulfilled') expect(isWhole(result.value)).toBe(true);
      else expect(result.reason).toMatchObject({ code: 'config/invalid' });
    }
  });
});

describe('configFile().watch()', () => {
  /** Watches a file. `changed()` resolves at the next signal that was not awaited yet. */
  function watching(path: string) {
    let pending = 0;
    let wake = () => {};
    const heard = { signals: 0 };
    const source = configFile(path, { optional: true });
    const watch = source.watch?.(() => {
      heard.signals += 1;
      pending += 1;
      wake();
    }) as Disposable & { dispose(): void };
    onTestFinished(() => watch.dispose());
    const changed = async () => {
      while (pending === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      pending = 0;
    };
    /** Loads after each signal until the settings are the expected ones. */
    const settled = async (n: number | undefined) => {
      do await changed();
      while ((await source.load().catch(() => undefined))?.notes?.n !== n);
    };
    return { heard, settled, watch };
  }
  const content = (n: number) => `notes:\n  n: ${n}\n`;
  const write = (path: string, n: number) => writeFileSync(path, content(n));
  function replace(path: string, n: number): void {
    writeFileSync(`${path}.new`, content(n));
    renameSync(`${path}.new`, path);
  }

  it('reports a change that follows at once', async () => {
    const path = file('a.yaml', content(0));
    const { settled } = watching(path);
    write(path, 1);
    await settled(1);
  });

  it("reports writes, repeated replacements, the file's removal and its return", async () => {
    const path = file('a.yaml', content(0));
    const { settled } = watching(path);
    const steps = [
      write,
      replace,
      replace,
      replace,
      write,
      undefined,
      write,
      replace,
      undefined,
      replace,
      replace,
      write,
    ];
    for (const [index, step] of steps.entries()) {
      if (step === undefined) rmSync(path);
      else step(path, index + 1);
      await settled(step === undefined ? undefined : index + 1);
    }
  });

  it('reports a file created later, also in a folder created later', async () => {
    const here = join(newFolder(), 'a.yaml');
    const there = join(newFolder(), 'x', 'y', 'a.yaml');
    const [one, other] = [watching(here), watching(there)];
    write(here, 1);
    mkdirSync(dirname(there), { recursive: true });
    write(there, 1);
    await Promise.all([one.settled(1), other.settled(1)]);
    replace(here, 2);
    replace(there, 2);
    await Promise.all([one.settled(2), other.settled(2)]);
  });

  it('reports a folder that is removed and created again', async () => {
    const path = join(newFolder(), 'x', 'a.yaml');
    mkdirSync(dirname(path));
    write(path, 0);
    const { settled } = watching(path);
    write(path, 1);
    await settled(1);
    rmSync(dirname(path), { recursive: true });
    await settled(undefined);
    mkdirSync(dirname(path));
    write(path, 2);
    await settled(2);
  });

  it('reports a change behind a link', async () => {
    const real = file('real.yaml', content(0));
    const path = join(newFolder(), 'a.yaml');
    symlinkSync(real, path);
    const { settled } = watching(path);
    for (const [index, step] of [write, replace, replace, write].entries()) {
      step(real, index + 1);
      await settled(index + 1);
    }
  });

  it('reports the update of a Kubernetes volume', async () => {
    const folder = newFolder();
    for (let n = 0; n <= 3; n++) {
      mkdirSync(join(folder, `..${n}`));
      write(join(folder, `..${n}`, 'a.yaml'), n);
    }
    symlinkSync('..0', join(folder, '..data'));
    symlinkSync('..data/a.yaml', join(folder, 'a.yaml'));
    const { settled } = watching(join(folder, 'a.yaml'));
    for (let n = 1; n <= 3; n++) {
      symlinkSync(`..${n}`, join(folder, '..tmp'));
      renameSync(join(folder, '..tmp'), join(folder, '..data'));
      await settled(n);
    }
  });

  it('reports many quick writes a few times, including the last one', async () => {
    const path = file('a.yaml', content(0));
    const { heard, settled } = watching(path);
    write(path, 1);
    await settled(1);
    heard.signals = 0;
    for (let n = 2; n <= 101; n++) (n % 2 === 0 ? write : replace)(path, n);
    await settled(101);
    expect(heard.signals).toBeLessThanOrEqual(10);
  });

  it('does not report other files', async () => {
    const path = file('a.yaml', content(0));
    const { heard, settled } = watching(path);
    write(path, 1);
    await settled(1);
    heard.signals = 0;
    write(join(dirname(path), 'b.yaml'), 5);
    // The watcher of the other file has been notified.
    const other = watching(join(dirname(path), 'b.yaml'));
    write(join(dirname(path), 'b.yaml'), 6);
    await other.settled(6);
    expect(heard.signals).toBe(0);
  });

  it('reports nothing after dispose(), whenever that happens', async () => {
    const path = file('a.yaml', content(0));
    const [early, late, witness] = [watching(path), watching(path), watching(path)];
    early.watch.dispose();
    write(path, 1);
    await Promise.all([late.settled(1), witness.settled(1)]);
    late.heard.signals = 0;
    replace(path, 2);
    late.watch.dispose();
    late.watch.dispose();
    await witness.settled(2);
    replace(path, 3);
    await witness.settled(3);
    expect([early.heard.signals, late.heard.signals]).toEqual([0, 0]);
  });

  it.runIf(process.platform === 'linux')('watches nothing after dispose()', async () => {
    const watched = () =>
      readdirSync('/proc/self/fdinfo').flatMap((fd) => {
        try {
          return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^inotify wd:.*$/gm) ?? [];
        } catch {
          return [];
        }
      }).length;
    const before = watched();
    const path = file('a.yaml', content(0));
    const all = Array.from({ length: 5 }, () => watching(path));
    write(path, 1);
    await Promise.all(all.map(({ settled }) => settled(1)));
    expect(watched()).toBeGreaterThan(before);
    for (const { watch } of all) watch[Symbol.dispose]();
    // Watchers of the test before may end late, too.
    await expect.poll(watched).toBeLessThanOrEqual(before);
  });

  it('does not keep a process alive', () => {
    const path = file('a.yaml', content(0));
    const program = `
      import { configFile } from ${JSON.stringify(import.meta.resolve('@plinth/host-node'))};
      import { writeFileSync } from 'node:fs';
      const path = ${JSON.stringify(path)};
      const alive = setTimeout(() => {}, 60_000);
      configFile(path).watch(() => { console.log('told'); clearTimeout(alive); });
      writeFileSync(path, 'notes: {}');
    `;
    expect(
      execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
        encoding: 'utf8',
        timeout: 30_000,
      }),
    ).toMatch(/^told/);
  });
});
