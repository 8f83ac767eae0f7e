/** The health of one plugin, from its record and its own report. */
import { describe, expect, it } from 'vitest';
import { pluginHealth } from '../../kernel/dist/lifecycle/plugin-health.js';
import type { PluginRecord } from '../../kernel/dist/plugin/record.js';
import { Redaction } from '../../kernel/dist/telemetry/redaction.js';
import { active, asleep, type Facts, failed, resolved, suspended } from './records.ts';

const LINK = { link: { pending: 2 }, refusals: 1 };
/** A guest with this answer to the question for its health. */
const guest = (check?: () => unknown) =>
  ({
    ...LINK,
    has: () => check !== undefined,
    ask: async () => check?.(),
  }) as unknown as Facts['guest'];
const running = (check?: () => unknown) => active('test.a', { guest: guest(check) });
const healthOf = (record: PluginRecord, facts = {}) =>
  pluginHealth(record, 100, new Redaction(), facts);

describe('the health of a plugin', () => {
  it('without a check is healthy while it is active, with the counts of its guest', async () => {
    expect(await healthOf(running())).toEqual({
      id: 'test.a',
      state: 'active',
      version: '1.0.0',
      status: 'healthy',
      pending: 2,
      refused: 1,
    });
  });

  it('is what its check reports', async () => {
    const report = { status: 'degraded', details: 'slow disk' };
    expect(await healthOf(running(() => report))).toMatchObject(report);
  });

  it.each([undefined, null, {}, { status: 'fine' }])(
    'is unhealthy when its check answers %j',
    async (answer) => {
      expect(await healthOf(running(() => answer))).toMatchObject({
        status: 'unhealthy',
        details: "healthCheck didn't answer with a status",
      });
    },
  );

  it('is unhealthy when its check fails, without a secret in the reason', async () => {
    const redaction = new Redaction();
    redaction.add('hush');
    const record = running(() => {
      throw new Error('no hush');
    });
    expect(await pluginHealth(record, 100, redaction)).toMatchObject({
      status: 'unhealthy',
      details: 'no [secret]',
    });
  });

  it.each([
    ['not started', resolved('test.a')],
    ['asleep', asleep('test.a')],
    ['suspended by request', suspended('test.a', 'request', { guest: guest() })],
  ] as const)('is stopped when it is %s', async (_, record) => {
    expect(await healthOf(record)).toMatchObject({ status: 'stopped' });
  });

  it('is degraded without a need, with the reason', async () => {
    const record = suspended('test.a', 'dependency', { guest: guest() });
    expect(await healthOf(record, { blame: new Error('test.base was stopped') })).toMatchObject({
      status: 'degraded',
      error: { message: 'test.base was stopped' },
    });
  });

  it('is unhealthy when it has failed, and stopped once it is disabled', async () => {
    const record = failed('test.a', new Error('no'));
    expect((await healthOf(record)).status).toBe('unhealthy');
    expect((await healthOf(record, { enabled: false })).status).toBe('stopped');
  });
});
