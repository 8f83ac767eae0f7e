/** Secrets stay out of what is logged and announced. */
import { describe, expect, it } from 'vitest';
import { Redaction } from '../../kernel/src/telemetry/redaction.ts';

const hiding = (...secrets: readonly string[]) => {
  const redaction = new Redaction();
  for (const secret of secrets) redaction.add(secret);
  return redaction;
};

describe('a redaction', () => {
  it('hides a secret wherever it occurs in a text', () => {
    expect(hiding('hush').text('hush, hush-hush')).toBe('[secret], [secret]-[secret]');
  });

  it('hides its spelling in JSON and in a URL', () => {
    const secret = 'a "b"/c';
    const clean = hiding(secret);
    expect(clean.text(JSON.stringify({ secret }))).toBe('{"secret":"[secret]"}');
    expect(clean.text(`https://x.test/?k=${encodeURIComponent(secret)}`)).not.toContain('a%20');
  });

  it('hides a secret that contains another one as a whole', () => {
    expect(hiding('pass', 'password').text('password')).toBe('[secret]');
  });

  it('answers the value itself when nothing in it is secret', () => {
    const value = { list: [1, 'open'], map: new Map([['a', 1]]) };
    expect(hiding().value(value)).toBe(value);
    expect(hiding('hush').value(value.list)).toBe(value.list);
  });

  it('cleans names and values of objects, lists, maps and sets', () => {
    const value = { hush: ['hush'], map: new Map([['hush', 'hush']]), set: new Set(['hush']) };
    expect(hiding('hush').value(value)).toEqual({
      '[secret]': ['[secret]'],
      map: new Map([['[secret]', '[secret]']]),
      set: new Set(['[secret]']),
    });
    expect(value.hush).toEqual(['hush']);
  });

  it('cleans the message, the stack and the cause of an error, which stays an error', () => {
    const error = new TypeError('no hush', { cause: new Error('hush') });
    const clean = hiding('hush').value(error);
    expect(clean).toBeInstanceOf(TypeError);
    expect([clean.message, (clean.cause as Error).message]).toEqual(['no [secret]', '[secret]']);
    expect(clean.stack).not.toContain('hush');
  });

  it('ends for a value that contains itself', () => {
    const value: { self?: unknown; text: string } = { text: 'open' };
    value.self = value;
    expect(hiding('hush').value(value)).toBe(value);
  });
});
