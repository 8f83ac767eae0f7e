/** The exported audit log: what it discloses, and that each change of the file is told apart. */

import { createKernel, memoryStorage, packageSource } from '@plinth/kernel';
import { type AuditHead, type ExportVerdict, verifyExport } from '@plinth/kernel/audit';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { keep, rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const plugin = pluginOf(
  'test.user',
  `ctx.commands.handle('try', (id) => ctx.commands.execute(id).catch((error) => error.code));`,
);

async function start() {
  const kernel = keep(
    await createKernel({
      host: createHost(),
      storage: memoryStorage(),
      sources: [packageSource([plugin])],
      telemetry: { log: false },
    }),
  );
  await kernel.start();
  return kernel;
}
type Kernel = Awaited<ReturnType<typeof start>>;

async function linesOf(kernel: Kernel, range?: Parameters<Kernel['audit']['export']>[0]) {
  const lines: string[] = [];
  for await (const line of kernel.audit.export(range)) lines.push(line);
  return lines;
}
const attempt = (kernel: Kernel, id: string) => kernel.commands.execute('test.user:try', id);
/** Four entries of the application and two of a plugin: their numbers are 1 to 6. */
async function fill(kernel: Kernel) {
  for (const word of ['a', 'b', 'c', 'd']) await kernel.audit.add(word, { word });
  for (const id of ['host:x', 'host:y']) await attempt(kernel, id);
  return kernel.audit.head();
}
const fault = (verdict: ExportVerdict) =>
  verdict.ok ? 'sound' : { kind: verdict.kind, at: verdict.at };

describe(`${runtime}: an exported audit`, () => {
  it('is JSON lines that prove themselves without the kernel, up to the head', async () => {
    const kernel = await start();
    const head = await fill(kernel);
    const lines = await linesOf(kernel);
    expect(lines.every((line) => line.endsWith('\n') && line.length < 65_536)).toBe(true);
    const facts = lines.map((line) => JSON.parse(line).facts?.word).filter(Boolean);
    expect(facts).toEqual(['a', 'b', 'c', 'd']);
    await kernel.stop();
    const verdict = await verifyExport(lines, { head });
    expect(verdict).toMatchObject({ ok: true, entries: 6, withheld: 0, pin: 'held', head });
    // As a text, without line breaks, and from a stream.
    for (const form of [lines.join(''), lines.map((line) => line.trim()), streamOf(lines)])
      expect(await verifyExport(form, { head })).toEqual(verdict);
  });

  it('discloses nothing when a part of its range is misspelt', async () => {
    const kernel = await start();
    await fill(kernel);
    for (const range of [{ plgin: 'test.user' }, 'test.user', null, [], Promise.resolve({})])
      expect(await rejection(linesOf(kernel, range as never))).toMatchObject({
        code: 'kernel/invalid-option',
      });
    for (const filter of [{ topc: 'host:a' }, { plugin: null }, { topic: 5 }, 'test.user', null])
      expect(await rejection(kernel.audit.entries(filter as never))).toMatchObject({
        code: 'kernel/invalid-option',
      });
  });

  it('discloses one plugin, or one time, and proves the rest by hashes', async () => {
    const kernel = await start();
    const head = await fill(kernel);
    const own = await linesOf(kernel, { plugin: 'test.user' });
    expect(own.join('')).not.toContain('host:a');
    expect(own.join('')).toContain('host:x');
    expect(await verifyExport(own, { head })).toMatchObject({ ok: true, entries: 6, withheld: 4 });
    const third = (await kernel.audit.entries({ topic: 'host:c' }))[0]?.time ?? 0;
    for (const [range, withheld] of [
      [{ to: third - 60_000 }, 6],
      [{ from: new Date(third + 60_000) }, 6],
      [{ from: third - 60_000, to: third + 60_000 }, 0],
    ] as const)
      expect(await verifyExport(await linesOf(kernel, range), { head })).toMatchObject({
        ok: true,
        entries: 6,
        withheld,
      });
    const changed = own.map((line) => line.replace('host:x', 'host:z'));
    expect(fault(await verifyExport(changed))).toEqual({ kind: 'edited', at: 5 });
  });

  it('withholds an entry with the value of a secret, also of one that is set later', async () => {
    const kernel = await start();
    await kernel.audit.add('first', { token: 'tok-4711-secret' });
    await kernel.secrets.set('test.user', 'token', 'tok-4711-secret');
    await kernel.audit.add('second', { token: 'tok-4711-secret' });
    expect((await kernel.audit.entries({ topic: 'host:second' }))[0]?.facts).toEqual({
      token: '[secret]',
    });
    const lines = await linesOf(kernel);
    expect(lines.join('')).not.toContain('4711');
    expect(await verifyExport(lines)).toMatchObject({ ok: true, withheld: 1 });
  });

  type Change = (lines: string[]) => string[];
  const at = (number: number) => (line: string) => line.startsWith(`{"number":${number},`);
  const without =
    (number: number): Change =>
    (lines) =>
      lines.filter((line) => !at(number)(line));
  it.each<[string, Change, object]>([
    [
      'an edited entry',
      (lines) => lines.map((line) => line.replace('"word":"b"', '"word":"x"')),
      { kind: 'edited', at: 2 },
    ],
    [
      'another count',
      (lines) => lines.map((line) => (at(3)(line) ? line.replace('"count":1', '"count":2') : line)),
      { kind: 'edited', at: 3 },
    ],
    ['a missing entry', without(2), { kind: 'missing', at: 2 }],
    [
      'a repeated entry',
      (lines) => lines.flatMap((line) => (at(2)(line) ? [line, line] : [line])),
      { kind: 'inserted', at: 2 },
    ],
    [
      'another order',
      (lines) => {
        const from = lines.findIndex(at(2));
        const [second, third] = lines.slice(from, from + 2) as [string, string];
        return [...lines.slice(0, from), third, second, ...lines.slice(from + 2)];
      },
      { kind: 'reordered', at: 2 },
    ],
    [
      'a chain without its beginning',
      (lines) =>
        without(1)(lines).map((line) =>
          line.includes('"chain":"host"')
            ? line.replace(
                '{"number":0,"hash":""}',
                JSON.stringify({ number: 1, hash: JSON.parse(lines.find(at(1)) ?? '').hash }),
              )
            : line,
        ),
      { kind: 'missing', at: 1 },
    ],
    ['a missing last line', (lines) => lines.slice(0, -1), { kind: 'unreadable', at: 0 }],
    ['a missing end', (lines) => lines.slice(0, 4), { kind: 'unreadable', at: 0 }],
    ['an entry missing at the end of a chain', without(4), { kind: 'unreadable', at: 0 }],
    [
      'a chain that is there twice',
      (lines) => [...lines.slice(0, -1), ...lines.slice(1)],
      { kind: 'unreadable', at: 0 },
    ],
    ['no export', () => ['{"a":1}'], { kind: 'unreadable', at: 0 }],
    ['nothing', () => [], { kind: 'unreadable', at: 0 }],
    ['no JSON', (lines) => [...lines.slice(0, 3), '{"number":'], { kind: 'unreadable', at: 0 }],
    [
      'a line without end',
      (lines) => [...lines.slice(0, 3), 'x'.repeat(70_000)],
      { kind: 'unreadable', at: 0 },
    ],
    [
      'an entry that is none',
      (lines) => lines.map((line) => (at(2)(line) ? '{"number":"2"}' : line)),
      { kind: 'unreadable', at: 2 },
    ],
  ])('%s is found', async (_, change, expected) => {
    const kernel = await start();
    await fill(kernel);
    const lines = await linesOf(kernel);
    expect(fault(await verifyExport(change(lines)))).toEqual(expected);
  });

  it('against a pinned head, a truncated chain and a rewritten one are told apart', async () => {
    const [one, other, short] = [await start(), await start(), await start()];
    const head = await fill(one);
    for (const word of ['a', 'b', 'x', 'y']) await other.audit.add(word, { word });
    for (const word of ['a', 'b']) await short.audit.add(word, { word });
    const pinned = { ...head, chains: { host: head.chains.host } } as AuditHead;
    expect((await rejection(verifyExport(await linesOf(one), { head: pinned }))).code).toBe(
      'value/invalid',
    );
    // Each of these is whole by itself.
    for (const kernel of [other, short])
      expect(await verifyExport(await linesOf(kernel))).toMatchObject({ ok: true });
    expect(fault(await verifyExport(await linesOf(other), { head }))).toEqual({
      kind: 'rewritten',
      at: 4,
    });
    expect(fault(await verifyExport(await linesOf(short), { head }))).toEqual({
      kind: 'truncated',
      at: 3,
    });
    expect(await other.audit.verify({ head })).toMatchObject({ kind: 'rewritten', at: 4 });
    expect(await short.audit.verify({ head })).toMatchObject({ kind: 'truncated', at: 3 });
    expect(await one.audit.verify({ head })).toMatchObject({ ok: true, pin: 'held' });
    expect(await one.audit.verify({})).toMatchObject({ ok: true, pin: 'none' });
  });

  it('refuses heads and ranges that are none', async () => {
    const kernel = await start();
    const head = await fill(kernel);
    for (const bad of [
      7,
      null,
      {},
      { number: 1 },
      { ...head, hash: 'x' },
      { ...head, chains: { ...head.chains, more: { number: 1, hash: 'x' } } },
      { ...head, chains: null },
    ]) {
      expect((await rejection(kernel.audit.verify({ head: bad as never }))).code).toBe(
        'value/invalid',
      );
      expect((await rejection(verifyExport([], { head: bad as never }))).code).toBe(
        'value/invalid',
      );
    }
    for (const range of [
      { from: 'now' },
      { to: new Date(Number.NaN) },
      { from: 2, to: 1 },
      { plugin: 7 },
    ])
      expect((await rejection(linesOf(kernel, range as never))).code).toBe('value/invalid');
  });

  it('takes hostile facts of the application as data, or refuses them', async () => {
    const kernel = await start();
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    for (const facts of [
      circular,
      { big: 10n },
      { toJSON: () => [] },
      { text: '\u0000'.repeat(1_000) },
      Object.defineProperty({}, 'x', {
        enumerable: true,
        get: () => {
          throw new Error('no');
        },
      }),
    ])
      expect((await rejection(kernel.audit.add('bad', facts as never))).code).toBe('value/invalid');
    for (const about of [7, 'x'.repeat(300), {}])
      expect((await rejection(kernel.audit.add('bad', {}, { plugin: about as never }))).code).toBe(
        'value/invalid',
      );
    await kernel.audit.add('text', {
      text: '\u2028\u0000\u202e\ud800 {"end":{}}\n{"audit":1}',
      ...JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"2":1,"1":2}'),
    });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(await kernel.audit.verify()).toMatchObject({ ok: true, entries: 1 });
    expect(await verifyExport(await linesOf(kernel))).toMatchObject({ ok: true, entries: 1 });
  });
});

async function* streamOf(lines: readonly string[]) {
  yield* lines;
}
