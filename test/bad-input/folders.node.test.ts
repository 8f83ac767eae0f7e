/** Plugin folders with every kind of mistake. */

import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { configFile, createKernel, directorySource } from '@plinth/host-node';
import { PluginLifecycleError, PluginManifestError } from '@plinth/sdk';
import { createSigningKey, signPackage } from '@plinth/sdk/signing';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { diagnose, INLINE } from './diagnose.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-folders-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let last = 0;
const newFolder = () => {
  const folder = join(root, String(++last));
  mkdirSync(folder);
  return folder;
};
const manifest = (changes: object = {}) =>
  JSON.stringify({
    id: 'test.bad',
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    ...changes,
  });
const code = 'export default { activate() {} };';

/** Writes files into a new folder of plugins. */
function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = newFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}
const diagnoseFolder = (folder: string) =>
  diagnose([], { ...INLINE, sources: [directorySource(folder)] });

describe('a folder of plugins', () => {
  it('that is missing: one plugin/source-failed that names it', async () => {
    const folder = join(root, 'absent');
    const { failures, problems } = await diagnoseFolder(folder);
    expect(failures).toEqual([]);
    expect(problems).toEqual([
      {
        code: 'plugin/source-failed',
        message: expect.stringContaining(`cannot look for plugins in ${folder}`),
      },
    ]);
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['is empty', {}],
    [
      'holds only what is passed over',
      {
        '.hidden/plugin.json': '{',
        'node_modules/x/plugin.json': '{',
        'readme.md': '',
        'a/plugin.js': code,
      },
    ],
  ])('that %s: healthy, and one warning with the cure', async (_, files) => {
    const folder = folderOf(files);
    const { failures, problems } = await diagnoseFolder(folder);
    expect([failures, problems]).toEqual([[], []]);
    const kernel = await createKernel({ plugins: folder, limits: { discover: 30_000 } });
    onTestFinished(() => kernel.stop());
    await kernel.start();
    expect(await kernel.health()).toMatchObject({ status: 'healthy', plugins: [], problems: [] });
    expect(kernel.logger.recent('kernel').map(({ level, message }) => [level, message])).toEqual([
      ['warn', `found no plugins in ${folder}: a plugin is a folder or URL with a plugin.json`],
    ]);
  });

  it('that is a file: one plugin/source-failed', async () => {
    const folder = folderOf({ file: '' });
    expect((await diagnoseFolder(join(folder, 'file'))).problems).toEqual([
      { code: 'plugin/source-failed', message: expect.stringContaining('ENOTDIR') },
    ]);
  });

  it('that is missing is reported by createKernel({ plugins }) too', async () => {
    const kernel = await createKernel({
      plugins: join(root, 'absent'),
      limits: { discover: 30_000 },
    });
    await kernel.start();
    expect((await kernel.health()).problems).toHaveLength(1);
    expect(kernel.logger.recent('kernel').map((entry) => entry.level)).toEqual(['error']);
    await kernel.stop();
  });

  it('with one bad plugin still yields the others', async () => {
    const folder = folderOf({
      'a/plugin.json': '{',
      'b/plugin.json': manifest({ id: 'test.good' }),
      'b/plugin.js': code,
      'c/readme.md': '',
    });
    const { failures, active } = await diagnoseFolder(folder);
    // A folder without a plugin.json is no plugin.
    expect(failures.map(({ error }) => error.code)).toEqual(['manifest/not-json']);
    expect(active).toContain('test.good');
  });

  it('given twice: each plugin runs once, the second finding is plugin/duplicate', async () => {
    const folder = folderOf({
      'a/plugin.json': manifest({ id: 'test.good' }),
      'a/plugin.js': code,
    });
    const { failures, active } = await diagnose([], {
      ...INLINE,
      sources: [directorySource(folder), directorySource(folder)],
    });
    expect(failures.map(({ error }) => error.code)).toEqual(['plugin/duplicate']);
    expect(active).toContain('test.good');
  });
});

describe('a plugin folder', () => {
  it.each<[string, Readonly<Record<string, string | Uint8Array>>, string, RegExp]>([
    [
      'has a folder in the place of plugin.json',
      { 'a/plugin.json/x': '' },
      'manifest/missing',
      /cannot read .*a: .*(EISDIR|is not a file)/,
    ],
    [
      'has an empty plugin.json',
      { 'a/plugin.json': '' },
      'manifest/missing',
      /a\/plugin\.json is empty/,
    ],
    [
      'has a huge plugin.json',
      { 'a/plugin.json': ' '.repeat(300_000) },
      'manifest/too-large',
      /a\/plugin\.json has 300000 bytes; a manifest has at most 262144/,
    ],
    [
      'has a plugin.json in UTF-16',
      { 'a/plugin.json': Buffer.from(manifest(), 'utf16le') },
      'manifest/not-json',
      /a\/plugin\.json is not JSON/,
    ],
    [
      'has an invalid plugin.json',
      { 'a/plugin.json': manifest({ main: '../x.js' }) },
      'manifest/invalid',
      /a\/plugin\.json \(test\.bad\) is not a valid manifest: main: /,
    ],
  ])('that %s is one typed error with the path', async (_, files, expected, message) => {
    const { failures, failure } = await diagnoseFolder(folderOf(files));
    expect(failures).toHaveLength(1);
    expect(failure.error).toBeInstanceOf(PluginManifestError);
    expect(failure.error.code).toBe(expected);
    expect(failure.error.message).toMatch(message);
  });

  it.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['is missing', {}, /a\/dist\/plugin\.js cannot be read: ENOENT/],
    ['is a folder', { 'a/dist/plugin.js/x': '' }, /cannot be read: .*(EISDIR|is not a file)/],
    ['is empty', { 'a/dist/plugin.js': '' }, /a\/dist\/plugin\.js is empty: build the plugin/],
  ])('whose main %s: plugin/load-failed with the path', async (_, files, message) => {
    const { failures, failure } = await diagnoseFolder(
      folderOf({ 'a/plugin.json': manifest({ main: 'dist/plugin.js' }), ...files }),
    );
    expect(failures).toHaveLength(1);
    expect(failure.error).toBeInstanceOf(PluginLifecycleError);
    expect(failure.error).toMatchObject({ code: 'plugin/load-failed', plugin: 'test.bad' });
    expect(failure.error.message).toMatch(message);
  });

  it.each<[string, (folder: string, outside: string) => void, string]>([
    [
      'main is a link out of it',
      (folder, outside) => symlinkSync(join(outside, 'secret.js'), join(folder, 'a/plugin.js')),
      'plugin.js',
    ],
    [
      "main's folder is a link out of it",
      (folder, outside) => symlinkSync(outside, join(folder, 'a/dist')),
      'dist/secret.js',
    ],
    [
      'main is a link to a folder whose name begins like its own',
      (folder) => {
        mkdirSync(join(folder, 'ab'));
        writeFileSync(join(folder, 'ab/secret.js'), code);
        symlinkSync('../ab/secret.js', join(folder, 'a/plugin.js'));
      },
      'plugin.js',
    ],
  ])('whose %s: plugin/load-failed, and none of its code runs', async (_, link, main) => {
    const outside = folderOf({ 'secret.js': code });
    const folder = folderOf({ 'a/plugin.json': manifest({ main }) });
    link(folder, outside);
    const { failures, failure } = await diagnoseFolder(folder);
    expect(failures.filter(({ id }) => id === 'test.bad')).toHaveLength(1);
    expect(failure.error.code).toBe('plugin/load-failed');
    expect(failure.error.message).toContain("the path leads out of the plugin's folder");
  });

  it('whose plugin.json is a link out of it is refused, and the error shows nothing of the file', async () => {
    const outside = folderOf({ 'password.txt': 'hunter2' });
    const folder = folderOf({ 'a/plugin.js': code });
    symlinkSync(join(outside, 'password.txt'), join(folder, 'a/plugin.json'));
    const { failures, failure } = await diagnoseFolder(folder);
    expect(failures).toHaveLength(1);
    expect(failure.error.message).toContain("leads out of the plugin's folder");
    expect(failure.error.message).not.toContain('hunter2');
  });

  it('that is itself a link is a plugin', async () => {
    const target = folderOf({
      'a/plugin.json': manifest({ id: 'test.good' }),
      'a/plugin.js': code,
    });
    const folder = newFolder();
    symlinkSync(join(target, 'a'), join(folder, 'link'));
    symlinkSync(join(target, 'absent'), join(folder, 'dangling'));
    const { failures, active } = await diagnoseFolder(folder);
    expect(failures).toEqual([]);
    expect(active).toContain('test.good');
  });

  it('whose main begins with two dots is read', async () => {
    const folder = folderOf({
      'a/plugin.json': manifest({ id: 'test.good', main: '..plugin.js' }),
      'a/..plugin.js': code,
    });
    expect((await diagnoseFolder(folder)).active).toContain('test.good');
  });

  it.each(['plugin.json', 'plugin.js'])(
    'whose %s is a pipe without a writer does not prevent the kernel from starting',
    { timeout: 20_000 },
    async (name) => {
      const folder = folderOf({ 'a/plugin.json': manifest(), 'a/plugin.js': code });
      const pipe = join(folder, 'a', name);
      rmSync(pipe);
      execFileSync('mkfifo', [pipe]);
      // Unblocks a stuck reader, so that one failure doesn't fail the next tests.
      onTestFinished(() => {
        try {
          closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
        } catch {
          // No reader waits: as it should be.
        }
      });
      const { failures } = await diagnoseFolder(folder);
      expect(failures).toHaveLength(1);
    },
  );

  it.each([
    ['plugin.json', 'manifest/too-large'],
    ['plugin.js', 'plugin/load-failed'],
    ['plugin.sig.json', 'signature/malformed'],
    ['assets/film.bin', 'plugin/load-failed'],
  ])('whose %s is 480 MB large is refused before it is read', async (name, expected) => {
    const key = await createSigningKey();
    const files = { 'plugin.json': manifest(), 'plugin.js': code, 'assets/film.bin': '' };
    const signature = await signPackage({
      files: new Map(
        Object.entries(files).map(([path, text]) => [path, new TextEncoder().encode(text)]),
      ),
      key,
    });
    const folder = folderOf(
      Object.fromEntries(
        Object.entries({ ...files, 'plugin.sig.json': signature }).map(([path, text]) => [
          `a/${path}`,
          text,
        ]),
      ),
    );
    // A sparse file: it takes no room on the disk.
    truncateSync(join(folder, 'a', name), 480_000_000);
    const policy = {
      signatures: {
        keys: { [key.keyId]: { publicKey: key.publicKey, publisher: 'Acme', scopes: ['test.*'] } },
      },
    };
    const before = process.memoryUsage().arrayBuffers;
    const { failures } = await diagnose([], {
      ...INLINE,
      policy,
      sources: [directorySource(folder)],
    });
    expect(failures).toMatchObject([{ error: { code: expected } }]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64_000_000);
  });
});

describe('a folder that is not there', () => {
  it('is refused by install, reload and update, and nothing changes', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'plugin.json'), manifest());
    writeFileSync(join(folder, 'plugin.js'), code);
    const kernel = await createKernel({ plugins: folder, telemetry: { log: false } });
    await kernel.start();
    const absent = directorySource(join(root, 'absent'));
    const { plugins } = kernel;
    for (const attempt of [
      plugins.install(absent),
      plugins.reload('test.bad', absent),
      plugins.update('test.bad', absent),
    ])
      await expect(attempt).rejects.toMatchObject({
        code: 'plugin/source-failed',
        message: expect.stringMatching(/^cannot look for a plugin in .*absent: ENOENT/),
      });
    expect(plugins.list()).toMatchObject([{ id: 'test.bad', state: 'active' }]);
    await kernel.stop();
  });

  it('is no path at all', async () => {
    for (const wrong of [undefined, null, 5, {}] as never[]) {
      expect(() => directorySource(wrong)).toThrow(/directorySource takes a path/);
      expect(() => configFile(wrong)).toThrow(/configFile takes a path/);
    }
    for (const plugins of [5, null, [5]] as never[])
      await expect(createKernel({ plugins })).rejects.toMatchObject({
        code: 'kernel/invalid-option',
      });
  });
});
