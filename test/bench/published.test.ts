/** The pages say what a run found: its machine, its figures, its missed goals. */
import { describe, expect, it } from 'vitest';
import { atLeast, atMost, type Goal, meets } from './goal.ts';
import { benchmarksPart, type Published, readmePart, withPart } from './published.ts';
import type { Judged, Verdict } from './report.ts';

type Found = number | string;

function judgedOf(goal: Goal, node: Found, chromium: Found): Judged {
  const verdict = (limit: number, found: Found): Verdict =>
    typeof found === 'string'
      ? { missing: found, goal: limit }
      : { value: found, met: meets(goal, found, limit), detail: 'this to that', goal: limit };
  return { ...goal, node: verdict(goal.node, node), chromium: verdict(goal.chromium, chromium) };
}

const fast = atLeast('calls', 'valibot256', 'calls/s', 3, 8);
const small = atMost('memory', 'idle', 'memory', 1, 1);
const shown = atMost('swap', 'latencyOnLanes', 'on lanes', 5, 5, { informational: true });
const onDisk = atMost('start10k', 'heap', 'heap', 2, 2, { unit: 'kB' });

function runOf(goals: readonly Judged[]): Published {
  return {
    date: '2026-11-30',
    commit: 'abc1234',
    machine: { cores: 2, memory: 4, cpu: 'Example CPU' },
    node: '24.1.0',
    chromium: '150.0',
    rounds: 7,
    milliseconds: 150,
    pinned: true,
    calls: {},
    goals,
  };
}

const cellsOf = (part: string) => part.split('\n').filter((line) => line.startsWith('| '));

describe('the page of benchmarks', () => {
  it('says of every goal whether it is met, missed, or missed in one runtime', () => {
    const part = benchmarksPart(
      runOf([
        judgedOf(fast, 3, 8),
        judgedOf(small, 2, 0.5),
        judgedOf(onDisk, 6.64971, 'only Node'),
        judgedOf(shown, 9, 9),
      ]),
    );
    expect(cellsOf(part)).toEqual([
      '| what | goal | Node | Chromium | |',
      '| calls/s | ≥ 3 / ≥ 8 | 3 (this to that) | 8 (this to that) | met |',
      '| memory | ≤ 1 | 2 (this to that) | 0.5 (this to that) | **missed** in Node |',
      '| heap | ≤ 2 kB | 6.65 kB (this to that) | n/a: only Node | **missed** |',
      '| on lanes (informational) | – | 9 (this to that) | 9 (this to that) | – |',
    ]);
  });

  it('names machine, date, commit, rows that ran and rows with missed goals', () => {
    const part = benchmarksPart(runOf([judgedOf(fast, 1, 1), judgedOf(small, 1, 1)]));
    const prose = part.slice(0, part.indexOf('\n\n')).replaceAll('\n', ' ');
    expect(prose).toContain('30 November 2026 at commit abc1234: 2 cores of Example CPU with 4 GB');
    expect(prose).toContain('Only 2 of ');
    expect(prose).toContain('Of 2 goals, 1 is missed in a runtime: calls (1 of 1).');
    expect(part.split('\n').every((line) => line.startsWith('|') || line.length <= 120)).toBe(true);
  });

  it('counts a row that failed as missed', () => {
    const failed = { ...judgedOf(fast, 3, 8), node: { failed: 'it ended', goal: 3 } };
    expect(cellsOf(benchmarksPart(runOf([failed]))).at(-1)).toBe(
      '| calls/s | ≥ 3 / ≥ 8 | failed: it ended | 8 (this to that) | **missed** in Node |',
    );
  });
});

describe('README', () => {
  it('marks missed figures and shows what was measured of its rows', () => {
    const part = readmePart(runOf([judgedOf(fast, 2, 9), judgedOf(shown, 9, 9)]));
    expect(cellsOf(part).slice(2)).toEqual([
      '| calls a second with 256 in flight, to raw workers | 2 ✗ | 9 |',
    ]);
  });

  it('gets its part between the markers, and keeps the rest', () => {
    const page = 'before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n';
    const once = withPart(page, 'new');
    expect(once).toBe('before\n<!-- bench:begin -->\n\nnew\n\n<!-- bench:end -->\nafter\n');
    expect(withPart(once, 'new')).toBe(once);
    expect(() => withPart('no markers', 'new')).toThrow('bench:begin');
  });
});
