/** Archives as packages: a kernel of any runtime installs them, and a hostile one does nothing. */
import { createKernel, inlineHost } from '@plinth/kernel';
import { packageOfArchive, readArchive } from '@plinth/kernel/archive';
import { type Zippable, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';

const text = (words: string) => new TextEncoder().encode(words);
const MANIFEST = JSON.stringify({
  id: 'test.packed',
  version: '1.0.0',
  main: 'dist/plugin.js',
  engines: { plinth: '*' },
});
const CODE = `export default { activate(ctx) { ctx.commands.handle('hello', () => 'unpacked'); } };`;
const zip = (entries: Zippable) => zipSync(entries, { os: 3 });
const packed = (manifest = MANIFEST, code = CODE) =>
  zip({
    'plugin.json': text(manifest),
    'dist/plugin.js': [text(code), { level: 0 }],
    'notes.txt': text('a note\n'.repeat(100)),
  });

describe('packageOfArchive()', () => {
  it('is installed like any package, and has all of its files', async () => {
    const found = await packageOfArchive(packed(), { origin: 'an upload' });
    expect(await found.list?.()).toEqual(['plugin.json', 'dist/plugin.js', 'notes.txt']);
    expect(new TextDecoder().decode(await found.read?.('notes.txt'))).toBe('a note\n'.repeat(100));
    expect(await found.signature?.()).toBeUndefined();
    expect((await rejection(found.read?.('absent.js') as Promise<unknown>)).message).toBe(
      'an upload has no absent.js',
    );
    const kernel = await createKernel({
      host: inlineHost(),
      isolation: 'inline',
      telemetry: { log: false },
    });
    await kernel.start();
    await kernel.plugins.install(found);
    await kernel.plugins.activate('test.packed');
    expect(await kernel.commands.execute('test.packed:hello')).toBe('unpacked');
    expect(kernel.plugins.get('test.packed')?.origin).toBe('an upload');
    await kernel.stop();
  });

  it('refuses an archive without a manifest, or one whose code is no text', async () => {
    const empty = packageOfArchive(zip({ 'a.js': text('') }), { origin: 'a file' });
    expect(await rejection(empty)).toMatchObject({
      code: 'manifest/missing',
      message: 'a file has no plugin.json',
    });
    const odd = await packageOfArchive(
      zip({ 'plugin.json': text(MANIFEST), 'dist/plugin.js': new Uint8Array([0xff, 0xfe]) }),
    );
    expect((await rejection(odd.code('dist/plugin.js'))).code).toBe('plugin/load-failed');
  });

  it('says where the archive comes from, and what to do', async () => {
    expect(
      await rejection(packageOfArchive(text('no archive'), { origin: 'x.plinth' })),
    ).toMatchObject({
      code: 'archive/refused',
      message:
        "x.plinth is refused: it is no archive of a plugin; get it again from where it was published ('plinth bundle' makes archives)",
      details: { origin: 'x.plinth' },
    });
  });
});

describe('readArchive() refuses', () => {
  const refusal = async (bytes: Uint8Array, limits = {}) => {
    const error = await rejection(readArchive(bytes, limits));
    expect(error.code).toBe('archive/refused');
    return error.message;
  };

  it.each([
    '../up.js',
    'a/../../up.js',
    '/etc/passwd',
    'C:/up.js',
    'a\\..\\up.js',
    './a.js',
    'a//b',
    'a/',
  ])('the path %s', async (path) => {
    expect(await refusal(zip({ [path]: text('x') }))).toContain('is no path inside a package');
  });

  it('a link, a device, and the same name in other letters', async () => {
    const link = zip({ 'a.js': [text('/etc/passwd'), { attrs: 0o120777 << 16 }] });
    expect(await refusal(link)).toContain("'a.js' is a link");
    const device = zip({ 'a.js': [text(''), { attrs: 0o020666 << 16 }] });
    expect(await refusal(device)).toContain('is a link');
    expect(await refusal(zip({ 'a.js': text('1'), 'A.js': text('2') }))).toContain("'A.js' twice");
  });

  it('a bomb: what it claims is added up, and what it hides is not unpacked', async () => {
    const bomb = zip({ 'a.js': [new Uint8Array(1_000_000), { level: 9 }] });
    expect(await refusal(bomb, { unpacked: 999_999 })).toContain('1000000 bytes, more than 999999');
    const lying = new Uint8Array(bomb);
    const directory = lying.length - 22 - 46 - 4;
    new DataView(lying.buffer).setUint32(directory + 24, 10, true);
    expect(await refusal(lying)).toContain('more bytes than the archive says');
    new DataView(lying.buffer).setUint32(directory + 24, 2_000_000, true);
    expect(await refusal(lying)).toContain('another size than the archive says');
  });

  it('too many files, and too many bytes', async () => {
    const many = zip(Object.fromEntries(Array.from({ length: 4 }, (_, n) => [`f${n}`, text('')])));
    expect(await refusal(many, { files: 3 })).toContain('4 files, more than 3');
    expect(await refusal(many, { packed: 10 })).toContain('bytes, more than 10');
  });

  it('what is cut or changed, with a typed error or not at all', async () => {
    const bytes = packed();
    for (let length = 0; length < bytes.length; length += 7) await refusal(bytes.slice(0, length));
    for (let at = 0; at < bytes.length; at += 3) {
      const changed = new Uint8Array(bytes);
      changed[at] = (changed[at] as number) ^ 0xff;
      const code = await readArchive(changed).then(
        () => 'archive/refused',
        (error: { readonly code?: string }) => error.code,
      );
      expect(code).toBe('archive/refused');
    }
    expect(await refusal(new Uint8Array([...bytes, 1, 2]))).toContain('no archive of a plugin');
  });
});
