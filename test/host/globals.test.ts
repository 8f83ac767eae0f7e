/**
 * The globals that docs/authoring.md lists exist and work in every isolation; all others are
 * hidden.
 */

import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { has } from '../matrix/gaps.ts';
import { startKernel } from '../support/kernels.ts';
import { bundleOf } from '../support/plugins.ts';

const walled = await has('wall');
const ISOLATIONS = walled ? (['worker', 'process', 'sandbox'] as const) : (['worker'] as const);

/** The use of each, and its result. */
const EVERYWHERE: readonly (readonly [string, unknown])[] = [
  ["new CustomEvent('a', { detail: 3 }).detail", 3],
  [
    "await new Promise((done) => { const target = new EventTarget(); target.addEventListener('a', (event) => done(event.type)); target.dispatchEvent(new Event('a')); })",
    'a',
  ],
  [
    "(async () => { let text = ''; for await (const part of read(new Uint8Array([65, 66])).pipeThrough(new TextDecoderStream())) text += part; return text; })()",
    'AB',
  ],
  [
    "(async () => { let bytes = 0; for await (const part of read('abc').pipeThrough(new TextEncoderStream())) bytes += part.length; return bytes; })()",
    3,
  ],
  ["new URL('/a?b=c', 'https://example.com').searchParams.get('b')", 'c'],
  ['AbortSignal.any([AbortSignal.abort()]).aborted', true],
  ["new DOMException('a', 'b').name", 'b'],
  ['structuredClone(new Map([[1, 2]])).get(1)', 2],
  ["(await crypto.subtle.digest('SHA-256', new Uint8Array(1))).byteLength", 32],
  ["atob(btoa('x'))", 'x'],
  ['performance.now() > 0 && performance.timeOrigin > 0', true],
  ['new CountQueuingStrategy({ highWaterMark: 2 }).highWaterMark', 2],
  ['await new Promise((done) => queueMicrotask(() => done(1)))', 1],
  ['self === globalThis', true],
];
const OUTSIDE_OF_SANDBOX: readonly (readonly [string, unknown])[] = [
  ["new Headers({ a: 'b' }).get('A')", 'b'],
  ["await new Blob(['ab', 'c']).text()", 'abc'],
  ["new File(['a'], 'name').name", 'name'],
  [
    "(async () => { let text = ''; for await (const part of new Blob(['aaaa']).stream().pipeThrough(new CompressionStream('gzip')).pipeThrough(new DecompressionStream('gzip')).pipeThrough(new TextDecoderStream())) text += part; return text; })()",
    'aaaa',
  ],
  ["performance.mark('a').name + performance.measure('b', 'a').name", 'ab'],
  [
    "(await crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt'])).type",
    'secret',
  ],
];
const NOWHERE =
  'fetch Request Response FormData XMLHttpRequest WebSocket process Deno Bun Buffer document window navigator location localStorage sessionStorage indexedDB caches require module exports importScripts Worker SharedArrayBuffer MessageChannel BroadcastChannel postMessage setImmediate reportError URLPattern'.split(
    ' ',
  );

for (const isolation of ISOLATIONS) {
  describe(`${runtime} ${isolation}: globals`, () => {
    const evaluate = async (codes: readonly string[]) => {
      const tries = codes.map((code) => `await attempt(async () => ${code})`);
      const kernel = await startKernel(
        { isolation, createHost },
        [
          bundleOf(
            'test.globals',
            `const attempt = async (run) => { try { return await run(); } catch (error) { return String(error); } };
           const read = (...items) => new ReadableStream({ start(controller) { for (const item of items) controller.enqueue(item); controller.close(); } });
           export default { activate(ctx) { ctx.commands.handle('all', async () => [${tries.join(',\n')}]); } };`,
          ),
        ],
        { isolation },
      );
      return kernel.commands.execute('test.globals:all');
    };

    it('that are listed exist and work', async () => {
      const listed = isolation === 'sandbox' ? EVERYWHERE : [...EVERYWHERE, ...OUTSIDE_OF_SANDBOX];
      expect(await evaluate(listed.map(([code]) => code))).toEqual(
        listed.map(([, value]) => value),
      );
    });

    it('that are not listed are undefined', async () => {
      const hidden =
        isolation === 'sandbox'
          ? [...NOWHERE, 'Blob', 'File', 'Headers', 'CompressionStream', 'WebAssembly']
          : [...NOWHERE, 'WebAssembly'];
      expect(await evaluate(hidden.map((name) => `typeof ${name}`))).toEqual(
        hidden.map(() => 'undefined'),
      );
    });
  });
}
