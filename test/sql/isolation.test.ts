/** The database of a plugin behind each wall: bundled with Kysely, as authors ship it. */
import { describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { PERMISSIONS, withSql } from './databases.ts';
import code from './whole-plugin.ts?bundle';

describe.each(['worker', 'process', 'sandbox'] as const)('in isolation %s', (isolation) => {
  it('a plugin queries, fails with codes, has transactions and streams', async () => {
    const found = {
      origin: 'memory:test.notes',
      held: true as const,
      manifest: {
        id: 'test.notes',
        version: '1.0.0',
        main: 'plugin.js',
        engines: { plinth: '^1.0.0' },
        isolation,
        permissions: PERMISSIONS,
      },
      code: async () => code,
    };
    const { kernel } = await withSql([found], {}, { isolation, host: createHost() });
    expect(await kernel.commands.execute('test.notes:all')).toEqual({
      failed: ['sql/constraint', 'PluginValidationError'],
      ids: [1, 2, 3],
      data: new Uint8Array([2]),
      big: 2n ** 60n,
    });
  });
});
