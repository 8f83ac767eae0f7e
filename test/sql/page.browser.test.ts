/** SQL in pages: what is missing there is said at once. */
import { createKernel, packageSource } from '@plinth/kernel';
import { definePlugin } from '@plinth/sdk';
import { database } from '@plinth/sql';
import { sql } from '@plinth/sql/host';
import { expect, it } from 'vitest';
import { keep, rejection } from '../support/kernels.ts';

it('sql() throws in a page, and names where it works', () => {
  expect(() => sql({ directory: './databases' })).toThrow(
    expect.objectContaining({
      code: 'kernel/invalid-option',
      message: expect.stringContaining('Node alone'),
    }),
  );
});

it('a plugin that asks for its database there gets a code', async () => {
  const plugin = definePlugin({
    activate(ctx) {
      const db = database<{ notes: { id: number } }>(ctx);
      ctx.commands.handle('list', () => db.selectFrom('notes').selectAll().execute());
    },
  });
  const manifest = {
    id: 'test.notes',
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    permissions: { commands: { execute: ['plinth.sql:*'] } },
  };
  const kernel = keep(
    await createKernel({
      isolation: 'inline',
      telemetry: { log: false },
      sources: [packageSource([{ manifest, plugin }])],
    }),
  );
  await kernel.start();
  const error = await rejection(kernel.commands.execute('test.notes:list'));
  expect(error.code).toBe('call/unknown-command');
});
