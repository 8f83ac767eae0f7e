/** `plinth keygen`, `sign` and `verify`: from a key to a package that a kernel trusts. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKernel } from '@plinth/host-node';
import { expect, it, onTestFinished } from 'vitest';
import { folderOf, json, plinth, readJson, write } from './plinth.ts';

const PLUGIN = {
  'p/plugin.json': {
    id: 'com.acme.notes',
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
  },
  'p/plugin.js': 'export default { activate() {} };\n',
};

async function signed() {
  const folder = await folderOf(PLUGIN);
  const key = await json(folder, ['keygen', '--out', 'keys/acme.key']);
  expect(await json(folder, ['sign', 'p', '--key', 'keys/acme.key'])).toMatchObject({
    ok: true,
    id: 'com.acme.notes',
    keyId: key.keyId,
  });
  return { folder, key: key as { keyId: string; publicKey: string } };
}
const verify = (folder: string, path = 'p', ...more: string[]) =>
  json(folder, ['verify', path, ...(more.length > 0 ? more : ['--key', 'keys/acme.pub'])]);

it('keygen writes a secret key for its owner alone, and replaces none', async () => {
  const folder = await folderOf({});
  const { code, out } = await plinth(folder, ['keygen']);
  expect([code, out]).toEqual([0, expect.stringContaining('keep it secret')]);
  expect((await stat(join(folder, 'plinth.key'))).mode & 0o777).toBe(0o600);
  expect(Object.keys(await readJson(folder, 'plinth.pub'))).toEqual(['keyId', 'publicKey']);
  const before = await readFile(join(folder, 'plinth.key'));
  expect(await plinth(folder, ['keygen'])).toMatchObject({ code: 1 });
  expect(await readFile(join(folder, 'plinth.key'))).toEqual(before);
});

it('a signed folder is verified, and a kernel that demands signatures starts it', async () => {
  const { folder, key } = await signed();
  expect(await verify(folder)).toMatchObject({ ok: true, version: '1.0.0', keyId: key.keyId });
  const kernel = await createKernel({
    plugins: join(folder, 'p'),
    policy: {
      signatures: {
        required: 'all',
        keys: {
          [key.keyId]: { publicKey: key.publicKey, publisher: 'acme', scopes: ['com.acme.*'] },
        },
      },
    },
    telemetry: { log: false },
  });
  onTestFinished(() => kernel.stop());
  await kernel.start();
  expect(kernel.plugins.get('com.acme.notes')?.state).toBe('active');
});

it('an archive is signed in place, with the same bytes each time', async () => {
  const { folder } = await signed();
  await write(folder, {
    'src/plugin.json': { id: 'com.acme.notes', version: '1.0.0' },
    'src/src/index.js': 'export default { activate() {} };\n',
  });
  await plinth(folder, ['bundle', 'src']);
  const archive = 'src/dist/com.acme.notes-1.0.0.plinth';
  expect(await verify(folder, archive)).toMatchObject({ error: { code: 'signature/missing' } });
  await plinth(folder, ['sign', archive, '--key', 'keys/acme.key']);
  const bytes = await readFile(join(folder, archive));
  expect(await verify(folder, archive)).toMatchObject({ ok: true });
  await plinth(folder, ['sign', archive, '--key', 'keys/acme.key']);
  expect(await readFile(join(folder, archive))).toEqual(bytes);
  expect(await json(folder, ['validate', archive])).toMatchObject({ ok: true, findings: [] });
});

it('what was changed, added or signed by another key is refused, with its code', async () => {
  const { folder } = await signed();
  await plinth(folder, ['keygen', '--out', 'other.key']);
  expect(await verify(folder, 'p', '--key', 'other.pub')).toMatchObject({
    ok: false,
    error: { code: 'signature/unknown-key' },
  });
  await write(folder, { 'p/more.js': '' });
  expect(await verify(folder)).toMatchObject({ error: { code: 'signature/file-unlisted' } });
  const { folder: changed } = await signed();
  await writeFile(join(changed, 'p/plugin.js'), 'export default { activate() { evil(); } };\n');
  const { code, err } = await plinth(changed, ['verify', 'p', '--key', 'keys/acme.pub']);
  expect([code, err]).toEqual([1, expect.stringContaining('signature/file-changed')]);
});

it('a trust store decides about publishers, scopes and revoked keys', async () => {
  const { folder, key } = await signed();
  const entry = { publicKey: key.publicKey, publisher: 'acme', scopes: ['com.acme.*'] };
  const trust = (more: object) =>
    write(folder, { 'trust.json': { [key.keyId]: { ...entry, ...more } } });
  await trust({});
  expect(await verify(folder, 'p', '--trust', 'trust.json')).toMatchObject({ publisher: 'acme' });
  await trust({ scopes: ['com.other.*'] });
  expect(await verify(folder, 'p', '--trust', 'trust.json')).toMatchObject({
    error: { code: 'signature/scope' },
  });
  await trust({ revokedAt: 1 });
  expect(await verify(folder, 'p', '--trust', 'trust.json')).toMatchObject({
    error: { code: 'signature/revoked-key' },
  });
});

it('keys that are missing, public, damaged or no keys are told apart', async () => {
  const { folder } = await signed();
  const good = await readJson(folder, 'keys/acme.key');
  await write(folder, {
    'text.key': 'nope',
    'empty.key': {},
    'damaged.key': { ...good, publicKey: 'AAAA' },
    'secret.key': { ...good, privateKey: 'AAAA' },
  });
  for (const [file, code] of [
    ['absent.key', 'key/unreadable'],
    ['text.key', 'key/unreadable'],
    ['empty.key', 'key/unreadable'],
    ['damaged.key', 'key/unreadable'],
    ['secret.key', 'key/unreadable'],
    ['keys/acme.pub', 'key/not-secret'],
  ] as const) {
    const { ok, error } = await json(folder, ['sign', 'p', '--key', file]);
    expect([file, ok, error]).toEqual([file, false, expect.objectContaining({ code })]);
  }
  const past = await plinth(folder, [
    'sign',
    'p',
    '--key',
    'keys/acme.key',
    '--expires',
    '2001-01-01',
  ]);
  expect(past.code).toBe(2);
  await write(folder, { 'sources/plugin.json': { ...PLUGIN['p/plugin.json'] } });
  expect(await json(folder, ['sign', 'sources', '--key', 'keys/acme.key'])).toMatchObject({
    error: { code: 'package/missing', cure: expect.stringContaining('dist/plugin') },
  });
});
