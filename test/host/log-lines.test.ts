/** Log entries as lines: a plugin's text stays on its own line. */
import { escapeLine, type LogEntry, logLine } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const FORGED =
  'ok\n2026-01-01T00:00:00.000Z error [kernel] root\r\u2028\u2029\u0085\u001b[2J\u009b31m\u202emoor\u200b\u0000\u007f';

describe('a log entry', () => {
  it('keeps what the plugin wrote, and is one line that imitates no other', async () => {
    const entries: LogEntry[] = [];
    const kernel = await startKernel(
      { isolation: 'worker', createHost },
      [
        pluginOf(
          'test.forger',
          `ctx.logger.warn(${JSON.stringify(FORGED)}, { [${JSON.stringify(FORGED)}]: ${JSON.stringify(FORGED)}, at: 1n });`,
        ),
      ],
      { telemetry: { log: (entry) => void entries.push(entry) } },
    );
    await kernel.stop();
    const entry = entries.find(({ source }) => source === 'test.forger') as LogEntry;
    expect(entry.message).toBe(FORGED);
    const line = logLine(entry);
    expect(line).toMatch(/^\d{4}-\S+Z warn {2}\[test\.forger\] ok\\n2026/);
    expect(line).toContain('\\u001b[2J\\u009b31m\\u202emoor\\u200b\\u0000\\u007f');
    expect(line).toContain('"at":"1n"');
    expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u200b\u202e]/u);
  });

  it('of another tenant names the tenant', () => {
    expect(
      logLine({ level: 'info', message: 'x', source: 'kernel', tenant: 'acme', time: 0 }),
    ).toBe('1970-01-01T00:00:00.000Z info  [acme/kernel] x');
  });

  it('has fields of any shape', () => {
    const cycle: Record<string, unknown> = {
      list: [1, new Map([['a', new Set([2])]])],
      error: new TypeError('no\nway'),
      bytes: new Uint8Array(3),
      shared: [{}, {}],
    };
    cycle.self = cycle;
    const hostile = {
      get a(): never {
        throw new Error('no');
      },
    };
    const line = (fields: Record<string, unknown>) =>
      logLine({
        level: 'error',
        message: 'm',
        source: 's',
        tenant: 'tenant-0',
        time: 0,
        fields,
      }).slice(37);
    expect(line(cycle)).toBe(
      '{"list":[1,[["a",[2]]]],"error":"TypeError: no\\nway","bytes":"3 bytes","shared":[{},{}],"self":"(a cycle)"}',
    );
    expect(line(hostile)).toBe('(fields that cannot be printed)');
  });

  it('keeps letters of all scripts', () => {
    const text = 'Grüße, 你好, שלום, 👩‍💻, می‌خواهم, a\\b "c"';
    expect(escapeLine(text)).toBe(text);
    expect(escapeLine('\ud800')).toBe('\\ud800');
  });
});
