/** The element `chart`: drawn from numbers, with the same numbers as a table. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { markupOf, treeOf } from './markup.ts';

const chart = (series: unknown, more: object = {}): string =>
  markupOf('chart', { label: 'Visits', series: JSON.stringify(series), ...more });
const paths = (html: string, kind: string): readonly string[] =>
  [...html.matchAll(new RegExp(`data-plinth="plot-${kind}"[^>]* d="([^"]*)"`, 'g'))].map(
    ([, d]) => d as string,
  );
const texts = (html: string, kind: string): readonly string[] =>
  [...html.matchAll(new RegExp(`data-plinth="plot-${kind}"[^>]*>([^<]*)<`, 'g'))].map(
    ([, text]) => text as string,
  );

describe('chart', () => {
  it('draws a line for each series, and leaves gaps where there is no value', () => {
    const html = chart([
      { label: 'One', values: [0, 10, null, 5] },
      { label: 'Two', values: [1] },
    ]);
    const [one, two] = paths(html, 'line');
    expect(one).toBe('M36 142h0L128 8M312 75h0');
    expect(two).toMatch(/^M36 \S+h0$/);
    expect(texts(html, 'tick')).toEqual(['0', '5', '10']);
  });

  it('draws bars from 0', () => {
    const html = chart([{ label: 'One', values: [4, -2] }], { kind: 'bar' });
    const [bars] = paths(html, 'bars');
    expect(bars?.split('Z')).toHaveLength(3);
    expect(texts(html, 'tick')).toEqual(['-2', '0', '2', '4']);
  });

  it('has its numbers as a table, and a legend, for those who do not see it', () => {
    const html = chart([{ label: 'A & B', values: [1.25, null] }], {
      points: JSON.stringify(['Mon', 'Tue', 'Wed']),
    });
    expect(html).toContain('<figure data-plinth="chart" aria-label="Visits">');
    expect(html).toContain('<svg data-plinth="plot" viewBox="0 0 320 160" aria-hidden="true">');
    expect(html).toContain('<th scope="col">A &amp; B</th>');
    expect(html).toContain('<tr><th scope="row">Mon</th><td>1.25</td></tr>');
    expect(html).toContain('<tr><th scope="row">Wed</th><td></td></tr>');
    expect(texts(html, 'name')).toEqual(['Mon', 'Tue', 'Wed']);
  });

  it('writes large numbers short on its axis, and whole in its table', () => {
    const html = chart([{ label: 'x', values: [0, 2_500_000] }]);
    expect(texts(html, 'tick')).toEqual(['0', '1M', '2M', '3M']);
    expect(html).toContain('<td>2500000</td>');
  });

  it.each([
    ['no series', []],
    ['no values', [{ label: 'x', values: [] }]],
    ['nothing but gaps', [{ label: 'x', values: [null, null] }]],
    ['one value again and again', [{ label: 'x', values: [3, 3, 3] }]],
    ['0', [{ label: 'x', values: [0] }]],
    ['the smallest number', [{ label: 'x', values: [5e-324, 0] }]],
    ['the largest', [{ label: 'x', values: [1e15, -1e15] }]],
    ['numbers that are nearly the same', [{ label: 'x', values: [1e15, 1e15 - 0.125] }]],
    ['neighbours', [{ label: 'x', values: [134364244112402.1, 134364244112402.11] }]],
  ])('can be drawn with %s', (_, series) => {
    for (const kind of ['line', 'bar']) {
      const html = chart(series, { kind });
      expect(html).not.toMatch(/NaN|Infinity|undefined/);
      expect(texts(html, 'tick').length).toBeLessThan(20);
    }
  });

  it('draws any numbers inside of its plot', () => {
    const value = fc.option(fc.double({ min: -1e15, max: 1e15, noNaN: true }), { nil: null });
    const series = fc.record({ label: fc.string({ maxLength: 9 }), values: fc.array(value) });
    fc.assert(
      fc.property(fc.array(series, { maxLength: 8 }), fc.boolean(), (rows, bars) => {
        const html = chart(rows, { kind: bars ? 'bar' : 'line' });
        const drawn = [...paths(html, 'line'), ...paths(html, 'bars')].join('');
        expect(drawn).not.toMatch(/NaN|Infinity|e/);
        for (const [, y] of drawn.matchAll(/[ML]\S+ (\S+?)(?=[MLhVZ]|$)/g)) {
          expect(Number(y)).toBeGreaterThanOrEqual(7);
          expect(Number(y)).toBeLessThanOrEqual(143);
        }
      }),
    );
  });

  const values = (count: number) => Array.from({ length: count }, (_, at) => at);
  it.each([
    ['no JSON', '[['],
    ['no list', '{}'],
    ['a list of nothing', '[null]'],
    ['values that are none', JSON.stringify([{ label: 'x', values: 'many' }])],
    ['a value that is a text', JSON.stringify([{ label: 'x', values: ['1'] }])],
    ['a value that is too large', '[{"label":"x","values":[1e16]}]'],
    ['a value that is infinite', '[{"label":"x","values":[1e999]}]'],
    ['too many values', JSON.stringify([{ label: 'x', values: values(501) }])],
    ['too many series', JSON.stringify(values(9).map(() => ({ label: 'x', values: [] })))],
    ['a long label', JSON.stringify([{ label: 'x'.repeat(81), values: [] }])],
    ['a long text', ' '.repeat(100_001)],
    ['deep lists', '['.repeat(50_000)],
  ])('shows no series of %s', (_, series) => {
    const html = markupOf('chart', { label: 'x', series });
    expect(paths(html, 'line')).toEqual([]);
    expect(html).not.toContain('<td>1');
  });

  it('is not read again for changes of something else', () => {
    const series = JSON.stringify(values(8).map(() => ({ label: 'x', values: values(500) })));
    const tree = treeOf('chart', { label: 'x', series });
    const before = performance.now();
    for (const at of values(20_000)) tree.apply([3, 1, { kind: at % 2 === 0 ? 'bar' : 'line' }]);
    expect(performance.now() - before).toBeLessThan(2_000);
  });

  it('counts the cells of its table, also those without a value', () => {
    const long = { label: 'x', values: values(500) };
    const series = JSON.stringify([long, ...values(7).map(() => ({ label: '', values: [] }))]);
    const tree = treeOf('chart', { label: 'x', series });
    const add = (id: number) =>
      tree.apply([0, 0, 0, [id, 'chart', { label: 'x', series }, null, []]]);
    add(2);
    expect(() => add(3)).toThrow(expect.objectContaining({ code: 'view/refused' }));
    // What goes makes room.
    tree.apply([1, 1]);
    tree.apply([3, 2, { series: null }]);
    add(4);
  });

  it('counts each value against the nodes of its view', () => {
    const series = JSON.stringify(values(8).map(() => ({ label: 'x', values: values(500) })));
    const tree = treeOf('chart', { label: 'x', series });
    const add = (id: number) =>
      tree.apply([0, 0, 0, [id, 'chart', { label: 'x', series }, null, []]]);
    add(2);
    expect(() => add(3)).toThrow(expect.objectContaining({ code: 'view/refused' }));
  });
});
