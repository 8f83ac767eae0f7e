/** Log entries as one line of text that no plugin can leave or break. */
import { describe, expect, it } from 'vitest';
import { escapeLine, logLine } from '../../kernel/src/telemetry/log-line.ts';

const lineOf = (message: string, fields?: Readonly<Record<string, unknown>>, tenant = 'tenant-0') =>
  logLine({
    time: 0,
    level: 'info',
    tenant,
    source: 'test.a',
    message,
    ...(fields !== undefined && { fields }),
  });
const START = '1970-01-01T00:00:00.000Z info  [test.a]';
const fieldsOf = (fields: Readonly<Record<string, unknown>>): unknown =>
  JSON.parse(lineOf('m', fields).slice(`${START} m `.length));

describe('escapeLine()', () => {
  it('writes as escapes what ends a line, moves the cursor or turns the direction of text', () => {
    expect(escapeLine('a\nb\r\tc')).toBe('a\\nb\\r\\tc');
    expect(escapeLine('\u001b[2K\u0085\u2028\u202e\ufeff')).toBe(
      '\\u001b[2K\\u0085\\u2028\\u202e\\ufeff',
    );
    expect(escapeLine('\u{e0041}\ud83d')).toBe('\\ue0041\\ud83d');
  });

  it('leaves other scripts and joined emoji as they are', () => {
    for (const text of ['Grüße, 世界', '👩‍💻', 'می‌خواهم', '']) expect(escapeLine(text)).toBe(text);
  });
});

describe('logLine()', () => {
  it('has time, level, source and message, and no fields when there are none', () => {
    expect(lineOf('started')).toBe(`${START} started`);
    expect(lineOf('started', {})).toBe(`${START} started`);
  });

  it('names the tenant only where it is not the first', () => {
    expect(lineOf('m', undefined, 'acme')).toContain('[acme/test.a]');
  });

  it('stays one line, whatever message, source and fields contain', () => {
    const line = logLine({
      time: 0,
      level: 'warn',
      tenant: 'a\nb',
      source: 'c\rd',
      message: 'e\u2028f',
      fields: { 'g\n': 'h\u009b' },
    });
    expect(line).toMatch(/^[ -~]+$/);
  });

  it('writes values that JSON lacks as text', () => {
    expect(
      fieldsOf({
        big: 1n,
        when: new Date(0),
        never: new Date(Number.NaN),
        why: new TypeError('no'),
        bytes: new Uint8Array(3),
        set: new Set([1]),
        map: new Map([['a', 1n]]),
        gone: undefined,
        work: () => {},
      }),
    ).toEqual({
      big: '1n',
      when: '1970-01-01T00:00:00.000Z',
      never: 'an invalid date',
      why: 'TypeError: no',
      bytes: '3 bytes',
      set: [1],
      map: [['a', '1n']],
    });
  });

  it('breaks a cycle, and writes a value twice that only occurs twice', () => {
    const self: Record<string, unknown> = { name: 'x' };
    self.self = self;
    const list: unknown[] = [self];
    list.push(list);
    expect(fieldsOf({ list, again: self })).toEqual({
      list: [{ name: 'x', self: '(a cycle)' }, '(a cycle)'],
      again: { name: 'x', self: '(a cycle)' },
    });
  });

  it('ends at a depth, also of a value that is deeper than the stack', () => {
    let deep: unknown = 'end';
    for (let count = 0; count < 100_000; count++) deep = [deep];
    const text = lineOf('m', { deep });
    expect(text).toContain('"(deeper)"');
    expect(text.length).toBeLessThan(200);
  });

  it('says so when fields cannot be read', () => {
    const fields = {
      get bad(): never {
        throw new Error('no');
      },
    };
    expect(lineOf('m', fields)).toBe(`${START} m (fields that cannot be printed)`);
  });
});
