/** Archives: the same bytes for the same files, and nothing that a hostile one can do. */
import { type Zippable, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { readArchive, writeArchive } from '../../cli/dist/index.js';

const text = (words: string) => new TextEncoder().encode(words);
const files = new Map([
  ['plugin.json', '{}'],
  ['plugin.js', 'export default { activate() {} };\n'.repeat(50)],
  ['empty.txt', ''],
]);

it('an archive has the files that went in, whatever their order', () => {
  const bytes = writeArchive(files);
  const read = readArchive(bytes);
  expect([...read].map(([path, content]) => [path, Buffer.from(content).toString()])).toEqual(
    [...files].sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  expect(writeArchive(new Map([...files].reverse()))).toEqual(bytes);
});

describe('refused is', () => {
  const refusal = (bytes: Uint8Array, limits = {}) => {
    try {
      readArchive(bytes, limits);
      return 'accepted';
    } catch (error) {
      expect(error).toMatchObject({ code: 'archive/refused' });
      return (error as Error).message;
    }
  };
  const zip = (entries: Zippable) => zipSync(entries, { os: 3 });

  it.each([
    '../up.js',
    'a/../../up.js',
    '/etc/passwd',
    'C:/up.js',
    'a\\..\\up.js',
    './a.js',
    'a//b.js',
    'a/',
  ])('the path %s', (path) => {
    expect(refusal(zip({ [path]: text('x') }))).toContain('is no path inside a package');
  });

  it('a link, a device, and the same name in other letters', () => {
    const link = zip({ 'a.js': [text('/etc/passwd'), { attrs: 0o120777 << 16 }] });
    expect(refusal(link)).toContain("'a.js' is a link");
    expect(refusal(zip({ 'a.js': [text(''), { attrs: 0o020666 << 16 }] }))).toContain('is a link');
    expect(refusal(zip({ 'a.js': text('1'), 'A.js': text('2') }))).toContain("'A.js' twice");
  });

  it('a bomb: what it claims is added up, and what it hides is not unpacked', () => {
    const bomb = zip({ 'a.js': [new Uint8Array(1_000_000), { level: 9 }] });
    expect(refusal(bomb, { unpacked: 999_999 })).toContain('1000000 bytes, more than 999999');
    const lying = new Uint8Array(bomb);
    const directory = lying.length - 22 - 46 - 4;
    new DataView(lying.buffer).setUint32(directory + 24, 10, true);
    expect(refusal(lying)).toContain('more bytes than the archive says');
    new DataView(lying.buffer).setUint32(directory + 24, 2_000_000, true);
    expect(refusal(lying)).toContain('another size than the archive says');
  });

  it('too many files, and too many bytes', () => {
    const many = zip(Object.fromEntries(Array.from({ length: 4 }, (_, n) => [`f${n}`, text('')])));
    expect(refusal(many, { files: 3 })).toContain('4 files, more than 3');
    expect(refusal(many, { packed: 10 })).toContain('bytes, more than 10');
  });

  it('what is cut, changed or no archive, at every byte', () => {
    const bytes = writeArchive(files);
    expect(refusal(text('PK is not enough'))).toContain('no archive of a plugin');
    for (let length = 0; length < bytes.length; length += 7)
      expect(refusal(bytes.slice(0, length))).not.toBe('accepted');
    for (let at = 0; at < bytes.length; at += 3) {
      const changed = new Uint8Array(bytes);
      changed[at] = (changed[at] as number) ^ 0xff;
      // Accepted or refused with a typed error: never anything else.
      refusal(changed);
    }
    expect(refusal(Buffer.concat([bytes, text('more')]))).toContain('no archive of a plugin');
  });
});
