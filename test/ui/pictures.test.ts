/** Which images by URL a plugin keeps. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Pictures } from '../../extensions/ui/src/pictures.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('images out of sight make room while the user scrolls, and those in sight stay', async () => {
  const fetched: string[] = [];
  const fetch = async (url: string) => {
    fetched.push(url);
    return { ok: true, status: 200, bytes: async () => new Uint8Array([1]) };
  };
  const pictures = new Pictures({ fetch, logger: { warn() {} } } as never);
  const ask = (from: number, to: number) => {
    for (let at = from; at < to; at++) pictures.get(`${at}`, () => {});
  };
  ask(0, 200);
  await expect.poll(() => pictures.get('199', () => {})).toBe('AQ==');
  ask(200, 201);
  expect(fetched).not.toContain('200');
  vi.setSystemTime(Date.now() + 6_000);
  ask(100, 300);
  await expect.poll(() => pictures.get('299', () => {})).toBe('AQ==');
  ask(100, 300);
  expect(fetched).toHaveLength(300);
});
