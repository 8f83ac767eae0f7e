/** What the audit log retains: a cut is recorded, and is not taken for tampering. */

import {
  createKernel,
  type KernelOptions,
  memoryStorage,
  packageSource,
  type StorageAdapter,
} from '@plinth/kernel';
import { verifyExport } from '@plinth/kernel/audit';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { keep, rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

const PREFIX = 'tenant-0\0plinth\0audit\0';
const plugin = pluginOf(
  'test.user',
  `ctx.commands.handle('try', (id) => ctx.commands.execute(id).catch((error) => error.code));`,
);
async function start(storage: StorageAdapter, audit: KernelOptions['audit']) {
  const kernel = keep(
    await createKernel({
      host: createHost(),
      storage: outliving(storage),
      sources: [packageSource([plugin])],
      telemetry: { log: false },
      ...(audit !== undefined && { audit }),
    }),
  );
  await kernel.start();
  return kernel;
}
type Kernel = Awaited<ReturnType<typeof start>>;
const add = (kernel: Kernel, count: number) =>
  Promise.all(Array.from({ length: count }, (_, n) => kernel.audit.add('entry', { n })));
async function verdicts(kernel: Kernel, head: Awaited<ReturnType<Kernel['audit']['head']>>) {
  const lines: string[] = [];
  for await (const line of kernel.audit.export()) lines.push(line);
  const pins = [await kernel.audit.verify({ head }), await verifyExport(lines, { head })];
  return pins.map((verdict) => (verdict.ok ? verdict.pin : verdict));
}

describe(`${runtime}: what the audit retains`, () => {
  it('drops whole segments and records the cut; what was pinned before it is cut, not tampered with', async () => {
    const storage = memoryStorage();
    const kernel = await start(storage, { retain: { entries: 800 } });
    await add(kernel, 10);
    const early = await kernel.audit.head();
    await add(kernel, 780);
    expect(await verdicts(kernel, early)).toEqual(['held', 'held']);
    await add(kernel, 700);
    const late = await kernel.audit.head();
    expect((await storage.keys(PREFIX)).length).toBeLessThanOrEqual(4);
    const entries = await kernel.audit.entries();
    expect(entries.length).toBeLessThanOrEqual(800);
    expect(await verdicts(kernel, early)).toEqual(['cut', 'cut']);
    expect(await verdicts(kernel, late)).toEqual(['held', 'held']);
    const cut = (await kernel.audit.entries({ topic: 'audit:cut' })).at(-1);
    expect(cut?.facts).toEqual({ number: (entries[0]?.number ?? 0) - 1, hash: expect.any(String) });
    await kernel.stop();
    const next = await start(storage, { retain: { entries: 800 } });
    expect(await verdicts(next, early)).toEqual(['cut', 'cut']);
    expect(await verdicts(next, late)).toEqual(['held', 'held']);
  });

  it('a beginning that is missing without a record is found', async () => {
    const storage = memoryStorage();
    const kernel = await start(storage, undefined);
    await add(kernel, 500);
    const keys = [...(await storage.keys(PREFIX))].sort();
    expect(keys.length).toBe(3);
    await kernel.stop();
    await storage.delete(keys[0] as string);
    const next = await start(storage, undefined);
    expect(await next.audit.verify()).toMatchObject({ ok: false, kind: 'missing', at: 200 });
    await next.stop();
    await storage.delete(keys[1] as string);
    const last = await start(storage, undefined);
    expect(await last.audit.verify()).toMatchObject({ ok: false, kind: 'missing', at: 400 });
  });

  it('the record of a cut cannot be changed', async () => {
    const storage = memoryStorage();
    const kernel = await start(storage, { retain: { entries: 800 } });
    await add(kernel, 1_100);
    const [cut] = await kernel.audit.entries({ topic: 'audit:cut' });
    await kernel.stop();
    const [first, second] = [...(await storage.keys(PREFIX))].sort() as [string, string];
    const next = (await storage.get(second)) as { after: { number: number; hash: string } };
    for (const key of await storage.keys(PREFIX))
      await storage.update(key, (segment) => {
        const { entries, ...rest } = segment as { entries: { topic: string; facts: object }[] };
        const forged = entries.map((entry) =>
          entry.topic === 'audit:cut' ? { ...entry, facts: { ...next.after } } : entry,
        );
        return { ...rest, entries: forged };
      });
    await storage.delete(first);
    const other = await start(storage, { retain: { entries: 800 } });
    expect(await other.audit.verify()).toMatchObject({
      ok: false,
      kind: 'edited',
      at: cut?.number,
    });
  });

  it('a kernel that ends between the record and the deletions loses nothing', async () => {
    const storage = memoryStorage();
    let stuck = false;
    const failing: StorageAdapter = {
      ...outliving(storage),
      delete: async (key) =>
        stuck && key.startsWith(PREFIX) ? Promise.reject(new Error('ended')) : storage.delete(key),
    };
    const kernel = await start(failing, { retain: { entries: 800 } });
    await add(kernel, 700);
    const head = await kernel.audit.head();
    stuck = true;
    expect((await rejection(add(kernel, 200))).code).toBe('storage/failed');
    await kernel.stop();
    expect((await storage.keys(PREFIX)).length).toBeGreaterThan(4);
    const next = await start(storage, { retain: { entries: 800 } });
    expect(await verdicts(next, head)).toEqual(['held', 'held']);
    await add(next, 200);
    expect((await storage.keys(PREFIX)).length).toBeLessThanOrEqual(4);
    expect(await next.audit.verify()).toMatchObject({ ok: true });
  });

  it('drops what is older than its age, and says that a plugin has outgrown its pin', async () => {
    const storage = memoryStorage();
    const kernel = await start(storage, undefined);
    await kernel.commands.execute('test.user:try', 'host:secret');
    const head = await kernel.audit.head();
    await kernel.commands.execute('test.user:try', 'host:other');
    await add(kernel, 3);
    const written = Math.max(...(await kernel.audit.entries()).map(({ time }) => time));
    await kernel.stop();
    const patient = await start(storage, { retain: { age: 3_600_000 } });
    expect(await verdicts(patient, head)).toEqual(['held', 'held']);
    await patient.stop();
    await expect.poll(() => Date.now()).toBeGreaterThan(written + 1);
    const next = await start(storage, { retain: { age: 1 } });
    expect(await next.audit.verify({ head })).toMatchObject({
      ok: true,
      pin: 'cut',
      outgrown: ['test.user'],
    });
    expect((await next.audit.entries()).map(({ topic }) => topic)).toEqual([
      'audit:cut',
      'audit:cut',
    ]);
    const numbers = (await next.audit.entries()).map(({ number }) => number);
    await next.stop();
    const again = await start(storage, { retain: { age: 1 } });
    expect((await again.audit.entries()).map(({ number }) => number)).toEqual(numbers);
  });

  it("a plugin's flood drops its own entries alone", async () => {
    const kernel = await start(memoryStorage(), { retain: { bytes: '600kB' } });
    await kernel.audit.add('kept');
    const head = await kernel.audit.head();
    for (let round = 0; round < 14; round++) {
      await Promise.all(
        Array.from({ length: 300 }, (_, n) =>
          kernel.commands.execute('test.user:try', `host:a${round}x${n}`),
        ),
      );
      await kernel.audit.head();
    }
    expect((await kernel.audit.entries({ topic: 'host:kept' })).length).toBe(1);
    expect(await verdicts(kernel, head)).toEqual(['held', 'held']);
  });

  it('refuses options that make no sense', async () => {
    for (const [audit, option] of [
      [{ retain: { entries: 10 } }, 'audit.retain.entries'],
      [{ retain: { entries: 'all' } }, 'audit.retain.entries'],
      [{ retain: { age: -1 } }, 'audit.retain.age'],
      [{ retain: { bytes: 'much' } }, 'audit.retain.bytes'],
      [{ retain: { entires: 1_000 } }, 'audit.retain.entires'],
      [{ retain: 7 }, 'audit.retain'],
      [{ keep: 7 }, 'audit.keep'],
      [7, 'audit'],
    ] as const) {
      const error = await rejection(start(memoryStorage(), audit as never));
      expect([error.code, error.details?.option]).toEqual(['kernel/invalid-option', option]);
    }
  });
});
