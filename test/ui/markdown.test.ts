/** The element `markdown`: what it reads, and that nothing else gets through. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { markupOf, treeOf } from './markup.ts';

/** The markup without the box, names of elements and what all links have. */
const shown = (text: string): string =>
  markupOf('markdown', { text })
    .replace(/^<div data-plinth="markdown">(.*)<\/div>$/s, '$1')
    .replaceAll(/ data-plinth="[a-z-]+"/g, '')
    .replaceAll(' rel="noopener noreferrer nofollow" target="_blank"', '')
    .replaceAll(/<\/?span>/g, '');

const CASES: readonly (readonly [string, string])[] = [
  ['one\ntwo\n\nthree', '<p>one two</p><p>three</p>'],
  ['one  \ntwo\\\nthree', '<p>one<br>two<br>three</p>'],
  ['# A\n## B *b*\n#### D', '<h3>A</h3><h4>B <em>b</em></h4><h5>D</h5>'],
  ['#none', '<p>#none</p>'],
  [
    '*a* **b** ***c*** _d_ __e__',
    '<p><em>a</em> <strong>b</strong> <strong><em>c</em></strong> <em>d</em> <strong>e</strong></p>',
  ],
  ['**a *b***', '<p><strong>a <em>b</em></strong></p>'],
  ['snake_case_name 2 * 3 * 4', '<p>snake_case_name 2 * 3 * 4</p>'],
  ['*open **and', '<p>*open **and</p>'],
  ['****a****', '<p>****a****</p>'],
  ['\\*a\\* \\q', '<p>*a* \\q</p>'],
  ['`a *b*` ``c`d`` `open', '<p><code>a *b*</code> <code>c`d</code> `open</p>'],
  ['- a\n- b\n\n  more\n- c', '<ul><li>a</li><li>b<p>more</p></li><li>c</li></ul>'],
  ['1. a\n2. b', '<ol><li>a</li><li>b</li></ol>'],
  ['3) a', '<ol start="3"><li>a</li></ol>'],
  [
    '- a\n  - b\n    - c\n- d',
    '<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li><li>d</li></ul>',
  ],
  ['- a\n- b\n1. c', '<ul><li>a</li><li>b</li></ul><ol><li>c</li></ol>'],
  ['> a\n> > b', '<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>'],
  ['a\n***\nb\n- - -', '<p>a</p><hr><p>b</p><hr>'],
  [
    '```ts\n<b> *x*\n```\nafter',
    '<pre tabindex="0" role="group" aria-label="ts"><code>&lt;b&gt; *x*</code></pre><p>after</p>',
  ],
  ['```\nopen', '<pre tabindex="0" role="group" aria-label="code"><code>open</code></pre>'],
  ['[a *b*](https://a.test/x "t")', '<p><a href="https://a.test/x">a <em>b</em></a></p>'],
  [
    '<https://a.test/> <mailto:a@b.c>',
    '<p><a href="https://a.test/">https://a.test/</a> <a href="mailto:a@b.c">mailto:a@b.c</a></p>',
  ],
  ['[a](javascript:alert(1))', '<p>[a](javascript:alert(1))</p>'],
  [
    '[a](java\nscript:x) [b](data:text/html,x) [c](//x.test)',
    '<p>[a](java\nscript:x) [b](data:text/html,x) [c](//x.test)</p>',
  ],
  ['![words](https://a.test/beacon.png)', '<p>words</p>'],
  ['[![x](https://a.test/i.png)](https://a.test/)', '<p><a href="https://a.test/">x</a></p>'],
  ['<img src=x onerror=alert(1)> &lt;', '<p>&lt;img src=x onerror=alert(1)&gt; &amp;lt;</p>'],
  ['[a]: https://a.test', '<p>[a]: https://a.test</p>'],
  ['', ''],
];

const HOSTILE: Readonly<Record<string, string>> = {
  stars: '*'.repeat(10_000),
  'opening stars': '*a '.repeat(3_000),
  'mixed marks': '*_**__'.repeat(1_600),
  brackets: '['.repeat(10_000),
  'brackets that begin links': '[](('.repeat(2_500),
  'images that begin': '![a]('.repeat(2_000),
  backquotes: Array.from({ length: 139 }, (_, at) => '`'.repeat(at + 1)).join(' '),
  'many backquotes': '` '.repeat(5_000),
  'angle brackets': '<https://'.repeat(1_100),
  quotes: '>'.repeat(10_000),
  'quotes on lines': '> > > > > > > > > > x\n'.repeat(450),
  lists: '- '.repeat(5_000),
  'lists that go in': Array.from({ length: 130 }, (_, at) => `${' '.repeat(at)}- x`).join('\n'),
  rules: `${'- '.repeat(4_999)}x`,
  fences: '```\n'.repeat(2_500),
  spaces: `a${' '.repeat(9_998)}b`,
  'short lines': 'a\n'.repeat(5_000),
  'broken lines': 'a  \n'.repeat(2_500),
};

describe('markdown', () => {
  it.each(CASES)('%j', (text, html) => {
    expect(shown(text)).toBe(html);
  });

  it.each(Object.entries(HOSTILE))('takes no time for %s', (_, text) => {
    expect(text.length).toBeLessThanOrEqual(10_000);
    let html = '';
    const took = [1, 2, 3].map(() => {
      const before = performance.now();
      html = markupOf('markdown', { text });
      return performance.now() - before;
    });
    // A busy machine takes a few milliseconds; what grows with the square takes seconds each time.
    expect(Math.min(...took)).toBeLessThan(1_000);
    // What it counts as is not less than what it makes, but for its own box.
    const made = html.match(/<[a-z]/g)?.length ?? 0;
    expect(made - 1).toBeLessThanOrEqual(Math.ceil((text.length * 2) / 3) + 1);
  });

  it('makes of any text only what it says, with links that are links', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '*',
        '**',
        '_',
        '`',
        '```',
        '[',
        ']',
        '(',
        ')',
        '<',
        '>',
        '!',
        '#',
        '- ',
        '1. ',
      ),
      fc.constantFrom('\n', '\n\n', '  \n', '    ', '\\', '> ', '"', '&', 'a', 'x y', '---'),
      fc.constantFrom(
        'https://a.test/"x',
        'javascript:x',
        '<script>',
        'onload=',
        '\u0000',
        '\u2028',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const html = markupOf('markdown', { text: pieces.join('') });
        const tags = html.match(/<[^>]*>/g) ?? [];
        const known =
          /^<\/?(div|p|h[345]|ul|ol|li|blockquote|hr|br|pre|code|em|strong|span|a)( (data-plinth|href|rel|target|start|tabindex|role|aria-label)="[^"<>]*")*>$/;
        expect(tags.filter((tag) => !known.test(tag))).toEqual([]);
        for (const [, href] of html.matchAll(/href="([^"]*)"/g))
          expect(href).toMatch(/^(https:|mailto:)/);
      }),
      { numRuns: 1_000 },
    );
  });

  it('counts against the nodes of its view', () => {
    const tree = treeOf('markdown', { text: 'x'.repeat(10_000) });
    expect(() =>
      tree.apply([0, 0, 0, [2, 'markdown', { text: 'x'.repeat(9_000) }, null, []]]),
    ).toThrow(expect.objectContaining({ code: 'view/refused' }));
    const other = treeOf('markdown', { text: 'x'.repeat(10_000) });
    other.apply([1, 1]);
    other.apply([0, 0, 0, [3, 'markdown', { text: 'x'.repeat(9_000) }, null, []]]);
  });

  it.each([
    ['lists inside of each other', '- + - + - + - +\n'.repeat(624)],
    ['lists of one empty item', '-\n1.\n'.repeat(2_000)],
    ['quotes inside of each other', '>>>>>>>>\n\n'.repeat(1_000)],
  ])('counts %s as what they make', (_, text) => {
    const tree = treeOf('markdown', { text });
    const made = markupOf('markdown', { text }).match(/<[a-z]/g)?.length ?? 0;
    expect(made).toBeGreaterThan((text.length * 3) / 4);
    const room = Array.from({ length: 10_000 - made }, (_, at) => [
      at + 2,
      'divider',
      {},
      null,
      [],
    ]);
    // Beside them stand the root and a stack.
    tree.apply([0, 0, 0, [20_000, 'stack', {}, null, room.slice(2)]]);
    expect(() => tree.apply([0, 0, 0, [20_001, 'divider', {}, null, []]])).toThrow(
      expect.objectContaining({ code: 'view/refused' }),
    );
  });

  it('leaves a text out that is too long', () => {
    expect(markupOf('markdown', { text: 'x'.repeat(10_001) })).toBe(
      '<div data-plinth="markdown"></div>',
    );
  });
});
