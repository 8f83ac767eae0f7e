/** `urlSource` in Node: plugins from a server, including signed ones. */

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { createKernel, urlSource } from '@plinth/host-node';
import { packageOf } from '@plinth/kernel';
import { createSigningKey, signPackage } from '@plinth/sdk/signing';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { nextEvent, rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const utf8 = new TextEncoder();
const files = new Map<string, Uint8Array | string>();
/** Responses that are no files. */
const answers = new Map<string, (response: ServerResponse) => void>();
const server = createServer((request, response) => {
  const answer = answers.get(request.url ?? '');
  if (answer !== undefined) return answer(response);
  const body = files.get(request.url ?? '');
  response.writeHead(body === undefined ? 404 : 200).end(body);
});
let origin: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const manifest = JSON.stringify({
  id: 'com.acme.tool',
  version: '1.0.0',
  main: 'dist/plugin.js',
  engines: { plinth: '^1.0.0' },
});
/** All plugins of a slow server are known after the start, too. */
const limits = { discover: 30_000 };
const code = `export default { activate(ctx) { ctx.commands.handle('hello', () => 'from a server'); } };`;

it('a Node kernel runs a plugin from a server', async () => {
  files.set('/tool/plugin.json', manifest).set('/tool/dist/plugin.js', code);
  await using kernel = await createKernel({
    limits,
    sources: [urlSource([`${origin}/tool/plugin.json`])],
  });
  await kernel.start();
  expect(await kernel.commands.execute('com.acme.tool:hello')).toBe('from a server');
});

it('a URL that ends in .plinth is an archive, which a reload fetches again', async () => {
  const archive = (answer: string) =>
    zipSync({
      'plugin.json': utf8.encode(manifest),
      'dist/plugin.js': utf8.encode(code.replace('from a server', answer)),
    });
  files.set('/tool.plinth', archive('from an archive'));
  const url = `${origin}/tool.plinth`;
  await using kernel = await createKernel({ limits, sources: [urlSource([url])] });
  await kernel.start();
  expect(await kernel.commands.execute('com.acme.tool:hello')).toBe('from an archive');
  files.set('/tool.plinth', archive('from the next'));
  await kernel.plugins.reload('com.acme.tool');
  expect(await kernel.commands.execute('com.acme.tool:hello')).toBe('from the next');
  files.set('/tool.plinth', 'no archive');
  expect((await rejection(kernel.plugins.reload('com.acme.tool'))).code).toBe('archive/refused');
  expect(await kernel.commands.execute('com.acme.tool:hello')).toBe('from the next');
});

it('a plugin from a server runs as signed, and not with changed code', async () => {
  const key = await createSigningKey();
  const signed = new Map([
    ['plugin.json', utf8.encode(manifest)],
    ['dist/plugin.js', utf8.encode(code)],
  ]);
  files.set('/signed/plugin.json', manifest).set('/signed/dist/plugin.js', code);
  files.set('/signed/plugin.sig.json', await signPackage({ files: signed, key }));
  const policy = {
    trust: [],
    signatures: {
      keys: {
        [key.keyId]: { publicKey: key.publicKey, publisher: 'Acme', scopes: ['com.acme.*'] },
      },
    },
  };
  const outcome = async () => {
    await using kernel = await createKernel({
      policy,
      limits,
      sources: [urlSource([`${origin}/signed/plugin.json`])],
    });
    await kernel.start();
    const { state, error } = kernel.plugins.get('com.acme.tool') ?? {};
    return state === 'failed' ? (error as { code?: string }).code : state;
  };
  expect(await outcome()).toBe('active');
  files.set('/signed/dist/plugin.js', `${code}//`);
  expect(await outcome()).toBe('signature/file-changed');
  files.delete('/signed/plugin.sig.json');
  expect(await outcome()).toBe('signature/missing');
});

it('an invalid URL, or a relative one without a base, is refused and named', async () => {
  expect(
    await rejection(Promise.resolve().then(() => urlSource(['/plugins/notes/plugin.json']))),
  ).toMatchObject({
    code: 'kernel/invalid-option',
    message: expect.stringContaining("'/plugins/notes/plugin.json'"),
  });
  expect(urlSource(['/notes/plugin.json'], { base: origin }).origin).toBe('/notes/plugin.json');
});

/** A body that continues until its reader disconnects. */
function endless(zipped: boolean): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(200, zipped ? { 'content-encoding': 'gzip' } : {});
    const part = Buffer.alloc(1_000_000, ' ');
    Readable.from(
      (function* () {
        for (;;) yield part;
      })(),
    )
      .pipe(zipped ? createGzip() : new PassThrough())
      .pipe(response);
  };
}
/** A body that arrives byte by byte. */
const dripping = (response: ServerResponse) => {
  const timer = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(timer));
};

it.each([
  [
    'a manifest that never ends',
    '/plugin.json',
    endless(false),
    'manifest/too-large',
    /has more than 262144 bytes/,
  ],
  [
    'a zipped manifest that never ends',
    '/plugin.json',
    endless(true),
    'manifest/too-large',
    /has more than 262144 bytes/,
  ],
  ['a manifest that never comes to its end', '/plugin.json', dripping, undefined, /time/i],
  [
    'a bundle that never ends',
    '/dist/plugin.js',
    endless(false),
    'plugin/load-failed',
    /has more than 5000000 bytes.*limits\.codeSize/,
  ],
  [
    'a zipped bundle that never ends',
    '/dist/plugin.js',
    endless(true),
    'plugin/load-failed',
    /has more than 5000000 bytes/,
  ],
  [
    'a bundle that never comes to its end',
    '/dist/plugin.js',
    dripping,
    'plugin/load-failed',
    /time|limits\.read/i,
  ],
  [
    'a signature that never ends',
    '/plugin.sig.json',
    endless(false),
    'signature/malformed',
    /has more than 262144 bytes/,
  ],
])(
  '%s is read only up to its bounds in size and time',
  async (_, file, answer, expected, message) => {
    files
      .set('/bad/plugin.json', manifest)
      .set('/bad/dist/plugin.js', code)
      .set('/tool/plugin.json', manifest.replace('acme.tool', 'acme.good'))
      .set('/tool/dist/plugin.js', code);
    answers.set(`/bad${file}`, answer);
    onTestFinished(() => answers.clear());
    const policy = { signatures: { keys: {}, required: 'none' } } as const;
    await using kernel = await createKernel({
      policy,
      limits: { codeSize: 5_000_000, read: answer === dripping ? 3_000 : 60_000 },
      supervision: false,
      sources: [
        urlSource([`${origin}/bad/plugin.json`], { timeout: answer === dripping ? 3_000 : 60_000 }),
        urlSource([`${origin}/tool/plugin.json`]),
      ],
    });
    await kernel.start();
    // Late plugins are added after the start.
    const failed = () => kernel.plugins.list().find(({ state }) => state === 'failed');
    await expect.poll(failed).toBeDefined();
    expect(failed()?.error).toMatchObject({
      message: expect.stringMatching(message),
      ...(expected && { code: expected }),
    });
    expect(await kernel.commands.execute('com.acme.good:hello')).toBe('from a server');
  },
);

it('a bundle that once failed to load is loaded when it is requested again', async () => {
  const one = packageOf({ manifest: JSON.parse(manifest), code });
  let asked = 0;
  await using kernel = await createKernel({
    limits: { read: 300 },
    sources: [
      {
        async *discover() {
          yield {
            ...one,
            code: () => (++asked === 1 ? new Promise<never>(() => {}) : Promise.resolve(code)),
          };
        },
      },
    ],
  });
  await kernel.start();
  expect(kernel.plugins.get('com.acme.tool')?.state).toBe('failed');
  await kernel.plugins.activate('com.acme.tool');
  expect(await kernel.commands.execute('com.acme.tool:hello')).toBe('from a server');
});

it('a source that never answers delays neither the kernel nor other plugins', async () => {
  const never = new Promise<never>(() => {});
  const one = packageOf({ manifest: JSON.parse(manifest), code });
  await using kernel = await createKernel({
    limits: { read: 300 },
    supervision: false,
    sources: [
      {
        async *discover() {
          yield { ...one, code: () => never };
        },
      },
    ],
  });
  await kernel.start();
  expect(kernel.plugins.get('com.acme.tool')?.error).toMatchObject({
    code: 'plugin/load-failed',
    message: expect.stringContaining("'limits.read'"),
  });
});

it('a URL that never answers delays no other plugin, and its plugin is added when it answers after all', async () => {
  const held: ServerResponse[] = [];
  const packageAt = (name: string) =>
    pluginOf(`test.${name}`, `ctx.commands.handle('ping', () => 'pong');`);
  const answer = (url: string, response: ServerResponse) => {
    const [, name = '', file] = url.split('/');
    const { manifest, code } = packageAt(name);
    response.end(
      file === 'plugin.json' ? JSON.stringify(manifest) : file === 'plugin.js' ? code : '',
    );
  };
  const server = createServer((request, response) => {
    if (request.url?.endsWith('.sig.json')) response.writeHead(404).end();
    else if (request.url?.startsWith('/never/plugin.json') && held.length === 0)
      held.push(response);
    else answer(request.url ?? '', response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kernel = await createKernel({
    sources: [urlSource(['never', 'a', 'b'].map((name) => `${base}/${name}/plugin.json`))],
  });
  onTestFinished(() => kernel.stop());
  const began = performance.now();
  await kernel.start();
  // Without this it would fail after 15 s.
  expect(performance.now() - began).toBeLessThan(10_000);
  for (const name of ['a', 'b'])
    expect(await kernel.commands.execute(`test.${name}:ping`)).toBe('pong');
  expect((await kernel.health()).status).toBe('degraded');
  const activated = nextEvent(kernel, 'plugin:activated');
  answer('/never/plugin.json', held[0] as ServerResponse);
  expect(await activated).toMatchObject({ id: 'test.never' });
  expect((await kernel.health()).status).toBe('healthy');
});
