import type { AuditEntry } from '@plinth/kernel/audit';
import { expect, test } from 'vitest';
import { choicesOf, factsText, matching, verdictText } from './audit-view.ts';

const entry = (number: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  number,
  after: number - 1,
  time: 0,
  topic: 'permission:used',
  plugin: 'test.a',
  facts: {},
  count: 1,
  hash: '',
  ...more,
});

test('entries are filtered by plugin and by kind, and the newest is first', () => {
  const entries = [
    entry(1),
    entry(2, { topic: 'plugin:updated' }),
    entry(3, { plugin: 'test.b' }),
    entry(4, { plugin: undefined, topic: 'host:opened' }),
  ];
  const numbers = (plugin: string, topic: string) =>
    matching(entries, { plugin, topic }).map(({ number }) => number);
  expect(numbers('', '')).toEqual([4, 3, 2, 1]);
  expect(numbers('test.a', '')).toEqual([2, 1]);
  expect(numbers('test.a', 'plugin:updated')).toEqual([2]);
  expect(choicesOf(entries)).toEqual({
    plugins: ['test.a', 'test.b'],
    topics: ['host:opened', 'permission:used', 'plugin:updated'],
  });
});

test('hostile facts are one escaped line', () => {
  const text = factsText(entry(1, { facts: { scope: '\u202Egnp\n<b>' }, count: 3 }));
  expect(text).toMatch(/^3 times \{/);
  expect(text).not.toMatch(/[\n\u202E]/);
});

test('a verdict is a sentence', () => {
  const head = { number: 2, hash: '', chains: {} };
  expect(verdictText({ ok: true, entries: 2, head, pin: 'held', outgrown: [] })).toBe(
    'The chains are whole: 2 entries; it goes on from the pinned head.',
  );
  expect(
    verdictText({
      ok: false,
      at: 1,
      kind: 'edited',
      chain: '',
      why: 'an entry was changed',
      line: 3,
    }),
  ).toBe('Not whole: line 3, entry 1 is edited, an entry was changed.');
});

test('100,000 entries are filtered in at most 200 ms of the processor', () => {
  const entries = Array.from({ length: 100_000 }, (_, index) =>
    entry(index, { plugin: `test.p${index % 50}` }),
  );
  matching(entries.slice(0, 100), { plugin: 'test.p7', topic: '' });
  const before = process.cpuUsage();
  expect(matching(entries, { plugin: 'test.p7', topic: '' })).toHaveLength(2_000);
  expect(choicesOf(entries).plugins).toHaveLength(50);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(200);
});
