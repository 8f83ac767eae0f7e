/** Commands, and which of several providers answers a call. */
import { isOpen } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import type { CommandEntry } from '../../kernel/src/commands/command-entry.ts';
import { CommandTable } from '../../kernel/src/commands/command-table.ts';

const GO = 'test.a:go';
const OPEN = 'plinth.data-provider:query';
const RANKS: Readonly<Record<string, number>> = { host: 0, 'test.z': 1, 'test.a': 2 };
const entry = (owner: string, version?: string, provides?: readonly string[]) =>
  ({ owner, version, ...(provides && { provides }) }) as unknown as CommandEntry;

const tableOf = (id: string, ...entries: readonly CommandEntry[]) => {
  const table = new CommandTable({ isOpen, rank: (owner) => RANKS[owner] ?? 0 });
  for (const one of entries) table.add(id, one);
  return table;
};

describe('choose()', () => {
  it('answers the highest stable version, in whatever order they came', () => {
    const [old, best, beta] = ['1.0.0', '1.10.0', '2.0.0-beta.1'].map((one) =>
      entry('test.a', one),
    );
    for (const order of [
      [old, best, beta],
      [beta, best, old],
    ])
      expect(tableOf(GO, ...(order as CommandEntry[])).choose(GO, undefined)).toBe(best);
  });

  it('answers a version that the route leads to', () => {
    const [old, best] = [entry('test.a', '1.0.0'), entry('test.a', '2.0.0')];
    const table = tableOf(GO, old, best);
    expect(table.choose(GO, { range: '^1.0.0' })).toBe(old);
    expect(table.choose(GO, { range: '^3.0.0' })).toBeUndefined();
  });

  it('answers providers of an open contract in the order of plugins, the host first', () => {
    const [a, z, host] = [entry('test.a', '1.0.0'), entry('test.z', '1.0.0'), entry('host')];
    const table = tableOf(OPEN, a, z);
    expect(table.choose(OPEN, undefined)).toBe(z);
    expect(table.choose(`${OPEN}@test.a`, undefined)).toBe(a);
    table.add(OPEN, host);
    expect(table.choose(OPEN, undefined)).toBe(host);
  });
});

describe('conflict()', () => {
  it('is a second provider of a command, and the same version of one', () => {
    const table = tableOf(GO, entry('test.a', '1.0.0'));
    expect(table.conflict(GO, entry('test.b', '1.0.0'))).toMatchObject({
      code: 'call/duplicate',
      plugin: 'test.b',
      details: { command: GO, owner: 'test.a' },
    });
    expect(table.conflict(GO, entry('test.a', '1.0.0'))).toBeDefined();
    expect(table.conflict(GO, entry('test.a', '2.0.0'))).toBeUndefined();
  });

  it('is not another provider of an open contract', () => {
    const table = tableOf(OPEN, entry('test.a', '1.0.0'));
    expect(table.conflict(OPEN, entry('test.z', '1.0.0'))).toBeUndefined();
    expect(table.conflict(OPEN, entry('test.a', '1.0.0'))).toBeDefined();
  });
});

describe('remove()', () => {
  it('lets the next version answer, and forgets a command without providers', () => {
    const [old, best] = [entry('test.a', '1.0.0'), entry('test.a', '2.0.0')];
    const table = tableOf(GO, old, best);
    table.remove(GO, best);
    expect([table.get(GO), table.of(GO)]).toEqual([old, [old]]);
    table.remove(GO, old);
    expect([table.get(GO), table.all()]).toEqual([undefined, []]);
  });
});
