/** `contractChecks`: which clients it accepts, and how it uses its options. */

import { definePlugin } from '@plinth/sdk';
import { DataProvider, HealthCheck } from '@plinth/sdk/contracts';
import { contractChecks } from '@plinth/sdk/testing';
import { expect, it } from 'vitest';
import { rejection, startKernel } from '../support/kernels.ts';
import { sound } from './rows.ts';

const manifest = (id: string, more: object) => ({
  id,
  version: '1.0.0',
  main: 'plugin.js',
  engines: { plinth: '^1.0.0' },
  ...more,
});
const provider = definePlugin({
  provides: [DataProvider],
  activate(ctx) {
    ctx.provide(DataProvider, {
      sources: () => sound.sources(),
      query(query, call) {
        if (!sound.hasSource(query.source)) call.fail('unknownSource', { source: query.source });
        const column = sound.unknownColumn(query);
        if (column !== undefined) call.fail('unknownColumn', { column });
        return { rows: sound.select(sound, query).rows.map((row) => ({ ...row })) };
      },
    });
  },
});

it('the checks pass there too', async () => {
  const checker = definePlugin({
    needs: { data: DataProvider },
    activate(ctx) {
      ctx.commands.handle('check', async () => {
        const checks = contractChecks(DataProvider, ctx.needs.data);
        for (const { run } of checks) await run();
        return checks.length;
      });
    },
  });
  const kernel = await startKernel({ isolation: 'inline' }, [
    {
      manifest: manifest('test.provider', { provides: ['plinth.data-provider@1'] }),
      plugin: provider,
    },
    { manifest: manifest('test.checker', { needs: ['plinth.data-provider@^1'] }), plugin: checker },
  ]);
  expect(await kernel.commands.execute('test.checker:check')).toBeGreaterThan(20);
});

it('a contract without checks is refused', () => {
  const other = { ...DataProvider, $id: 'test.other@1' } as unknown as typeof DataProvider;
  expect(() => contractChecks(other, {} as never)).toThrow(
    expect.objectContaining({ code: 'contract/invalid' }),
  );
});

it('a missing provider violates the contract, and the cause says so', async () => {
  const kernel = await startKernel({ isolation: 'inline' }, []);
  const [first] = contractChecks(DataProvider, kernel.client(DataProvider));
  expect(await rejection(first?.run() ?? Promise.resolve())).toMatchObject({
    code: 'contract/violated',
    cause: { code: 'call/unknown-command' },
  });
});

it('a client that accepts every answer is not trusted', async () => {
  const [first] = contractChecks(HealthCheck, { check: async () => ({ status: 'fine' }) as never });
  expect(await rejection(first?.run() ?? Promise.resolve())).toMatchObject({
    code: 'contract/violated',
    message: expect.stringContaining("doesn't allow: status"),
  });
});
