/** Signatures of packages in folders: every file is covered. */

import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKernel } from '@plinth/host-node';
import { createSigningKey, signPackage } from '@plinth/sdk/signing';
import { expect, it } from 'vitest';

const utf8 = new TextEncoder();

it('a folder runs as signed, and not with an added, missing or changed file', async () => {
  const root = await mkdtemp(join(tmpdir(), 'plinth-signed-'));
  const key = await createSigningKey();
  const folder = join(root, 'tool');
  await mkdir(join(folder, 'assets'), { recursive: true });
  const files = new Map([
    [
      'plugin.json',
      utf8.encode(
        JSON.stringify({
          id: 'com.acme.tool',
          version: '1.0.0',
          main: 'plugin.js',
          engines: { plinth: '^1.0.0' },
          activation: ['startup'],
        }),
      ),
    ],
    ['plugin.js', utf8.encode('export default { activate() {} };')],
    ['assets/logo.svg', utf8.encode('<svg/>')],
  ]);
  for (const [path, bytes] of files) await writeFile(join(folder, path), bytes);
  const signature = join(folder, 'plugin.sig.json');
  await writeFile(signature, await signPackage({ files, key }));
  const policy = {
    trust: [],
    signatures: {
      keys: {
        [key.keyId]: { publicKey: key.publicKey, publisher: 'Acme', scopes: ['com.acme.*'] },
      },
    },
  } as const;
  // All plugins of a slow disk are known after the start, too.
  const limits = { discover: 30_000 };
  const outcome = async () => {
    await using kernel = await createKernel({ plugins: root, policy, limits });
    await kernel.start();
    const { state, error } = kernel.plugins.get('com.acme.tool') ?? {};
    return state === 'failed' ? (error as { code?: string }).code : state;
  };
  try {
    expect(await outcome()).toBe('active');
    await writeFile(join(folder, 'more.js'), '1');
    expect(await outcome()).toBe('signature/file-unlisted');
    await rm(join(folder, 'more.js'));
    await symlink('/etc/hostname', join(folder, 'linked'));
    expect(await outcome()).toBe('signature/file-unlisted');
    await rm(join(folder, 'linked'));
    await writeFile(join(folder, 'assets/logo.svg'), '<svg />');
    expect(await outcome()).toBe('signature/file-changed');
    await rm(join(folder, 'assets/logo.svg'));
    expect(await outcome()).toBe('signature/file-missing');
    await writeFile(join(folder, 'assets/logo.svg'), '<svg/>');
    expect(await outcome()).toBe('active');
    // A publisher that was verified once isn't accepted without a signature afterwards.
    {
      await using kernel = await createKernel({
        plugins: root,
        limits,
        policy: { ...policy, trust: [{ level: 'partner', publishers: ['Acme'] }] },
      });
      await kernel.start();
      expect(kernel.plugins.get('com.acme.tool')?.state).toBe('active');
      await kernel.plugins.deactivate('com.acme.tool');
      await rename(signature, join(root, 'elsewhere.json'));
      await writeFile(
        join(folder, 'plugin.js'),
        'export default { activate() { globalThis.bad = 1; } };',
      );
      await expect(kernel.plugins.reload('com.acme.tool')).rejects.toMatchObject({
        code: 'signature/missing',
      });
      // A signed package starts from its copy, with its signature.
      await kernel.plugins.activate('com.acme.tool');
      expect(kernel.plugins.get('com.acme.tool')?.state).toBe('active');
      await writeFile(join(folder, 'plugin.js'), files.get('plugin.js') as Uint8Array);
      await rename(join(root, 'elsewhere.json'), signature);
    }
    await rename(signature, join(root, 'elsewhere.json'));
    expect(await outcome()).toBe('signature/missing');
    await mkdir(signature);
    expect(await outcome()).toBe('signature/malformed');
  } finally {
    await rm(root, { recursive: true });
  }
});
