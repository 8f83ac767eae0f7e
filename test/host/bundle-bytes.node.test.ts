/**
 * Digests and signatures cover the bytes of files from any source. A byte order mark counts, and is
 * no error.
 */

import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKernel, directorySource, urlSource } from '@plinth/host-node';
import { createSigningKey, signPackage } from '@plinth/sdk/signing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const BOM = [0xef, 0xbb, 0xbf];
const utf8 = new TextEncoder();
const bytesOf = (text: string, mark: boolean) =>
  Uint8Array.from([...(mark ? BOM : []), ...utf8.encode(text)]);
const CODE = 'export default { activate(ctx) { ctx.commands.handle("hi", () => "grüß dich"); } };';
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const manifestOf = (more: object) =>
  JSON.stringify({
    id: 'com.acme.bytes',
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    ...more,
  });

const served = new Map<string, Uint8Array>();
const server = createServer((request, response) => {
  const body = served.get((request.url ?? '').slice(1));
  response.writeHead(body === undefined ? 404 : 200).end(body);
});
let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'plinth-bytes-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.close();
  await rm(root, { recursive: true });
});

/** The result of a package: its error code, or its command's answer. */
async function outcomes(files: ReadonlyMap<string, Uint8Array>, policy = {}): Promise<unknown[]> {
  const folder = await mkdtemp(join(root, 'source-'));
  await mkdir(join(folder, 'plugin'));
  served.clear();
  for (const [path, bytes] of files) {
    await writeFile(join(folder, 'plugin', path), bytes);
    served.set(path, bytes);
  }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/plugin.json`;
  const found: unknown[] = [];
  for (const source of [directorySource(folder), urlSource([url])]) {
    // A busy machine may need more than a second to read them.
    const limits = { discover: Number.POSITIVE_INFINITY };
    await using kernel = await createKernel({ sources: [source], policy, limits });
    await kernel.start();
    const { state, error } = kernel.plugins.list()[0] ?? {};
    found.push(
      state === 'active'
        ? await kernel.commands.execute('com.acme.bytes:hi')
        : `${(error as { code?: string } | undefined)?.code}: ${error?.message}`,
    );
  }
  return found;
}

describe('a bundle', () => {
  it.each([
    ['with', true],
    ['without', false],
  ])('%s a byte order mark runs when its digest is listed', async (_, mark) => {
    const code = bytesOf(CODE, mark);
    const files = new Map([
      ['plugin.json', bytesOf(manifestOf({ files: { './plugin.js': sha(code) } }), mark)],
      ['plugin.js', code],
    ]);
    expect(await outcomes(files)).toEqual(['grüß dich', 'grüß dich']);
  });

  it('that has lost its byte order mark does not match its digest', async () => {
    const files = new Map([
      [
        'plugin.json',
        bytesOf(manifestOf({ files: { 'plugin.js': sha(bytesOf(CODE, true)) } }), false),
      ],
      ['plugin.js', bytesOf(CODE, false)],
    ]);
    for (const outcome of await outcomes(files))
      expect(outcome).toMatch(/^plugin\/digest-mismatch/);
  });

  it('with byte order marks everywhere runs as signed', async () => {
    const key = await createSigningKey();
    const files = new Map([
      ['plugin.json', bytesOf(manifestOf({}), true)],
      ['plugin.js', bytesOf(CODE, true)],
    ]);
    files.set('plugin.sig.json', bytesOf(await signPackage({ files, key }), true));
    const keys = {
      [key.keyId]: { publicKey: key.publicKey, publisher: 'Acme', scopes: ['com.acme.*'] },
    };
    expect(
      await outcomes(files, {
        trust: [{ level: 'partner', publishers: ['Acme'] }],
        signatures: { keys },
      }),
    ).toEqual(['grüß dich', 'grüß dich']);
  }, 30_000);

  it('that is not UTF-8 is refused by name, with or without a digest', async () => {
    const code = Uint8Array.from([
      ...utf8.encode('export default { activate() {} }; // '),
      0xff,
      0xfe,
    ]);
    for (const more of [{}, { files: { 'plugin.js': sha(code) } }]) {
      const files = new Map([
        ['plugin.json', bytesOf(manifestOf(more), false)],
        ['plugin.js', code],
      ]);
      for (const outcome of await outcomes(files))
        expect(outcome).toMatch(/^plugin\/load-failed: .*is not UTF-8/);
    }
  });
});
