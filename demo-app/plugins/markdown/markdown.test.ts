/** The Markdown plugin: what it renders, what it must escape, and its part in the notes. */

import type { Kernel } from '@plinth/kernel';
import { afterEach, expect, test } from 'vitest';
import { startDemo } from '../../testing/demo-kernel.ts';
import { Notes } from '../notes/src/contract.ts';
import { Markdown } from './src/contract.ts';
import { tidy } from './src/tidy.ts';
import { toHtml } from './src/to-html.ts';

const kernels: Kernel[] = [];
const start = async (...names: string[]) => {
  const kernel = await startDemo(names);
  kernels.push(kernel);
  return kernel;
};

afterEach(async () => {
  await Promise.all(kernels.splice(0).map((kernel) => kernel.stop()));
});

test.each([
  ['# Title', '<h1>Title</h1>'],
  ['one\ntwo\n\nthree', '<p>one<br>two</p>\n<p>three</p>'],
  ['- a\n- *b*', '<ul><li>a</li><li><em>b</em></li></ul>'],
  ['**bold** and `a < b`', '<p><strong>bold</strong> and <code>a &lt; b</code></p>'],
  ['**`code` in bold**', '<p><strong><code>code</code> in bold</strong></p>'],
  [
    '[site](https://example.com/?a=1&b=2)',
    '<p><a href="https://example.com/?a=1&amp;b=2" rel="noopener noreferrer">site</a></p>',
  ],
  ['```\n<b>\n```', '<pre><code>&lt;b&gt;</code></pre>'],
  ['```\nno end', '<pre><code>no end</code></pre>'],
  ['2 * 3 * 4', '<p>2 * 3 * 4</p>'],
])('toHtml(%j)', (markdown, html) => {
  expect(toHtml(markdown)).toBe(html);
});

test.each([
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](\u0001javascript:alert(1))',
  '[x](data:text/html,<script>alert(1)</script>)',
  '[x](vbscript:x)',
  '[x](https://example.com/"onmouseover="alert)',
  '`<b>`**<i>**',
  '# <svg/onload=alert(1)>',
  '```\n</code></pre><script>alert(1)</script>\n```',
])('toHtml(%j) contains only its own markup', (markdown) => {
  const html = toHtml(markdown);
  const own =
    /<\/?(?:h[1-3]|p|ul|li|pre|code|strong|em)>|<br>|<a href="(?:https?|mailto):[^"<>]*" rel="noopener noreferrer">|<\/a>/g;
  expect(html.replace(own, '')).not.toMatch(/[<>"]/);
});

test.each(['*', '**', '[', '`', '[x](', '- ', '# ', '```\n'])(
  'toHtml() stays fast with many %j',
  (opening) => {
    const started = performance.now();
    toHtml(opening.repeat(100_000 / opening.length));
    expect(performance.now() - started).toBeLessThan(1_000);
  },
);

test.each([
  ['  milk  ', 'milk'],
  ['a\r\nb\u0000', 'a\nb'],
  ['a\n\n\n\nb  ', 'a\n\nb'],
  ['e\u0301', '\u00e9'],
])('tidy(%j)', (text, tidied) => {
  expect(tidy(text)).toBe(tidied);
});

test('the render hook of notes gives HTML', async () => {
  const kernel = await start('notes', 'markdown');
  expect(await kernel.hooks.waterfall(Notes.render, '**milk**')).toBe(
    '<p><strong>milk</strong></p>',
  );
});

test('notes are tidied before they are added, and input without text is left to the notes', async () => {
  const kernel = await start('notes', 'markdown');
  const notes = kernel.client(Notes);
  const { id } = await notes.add({ text: '  milk \r\n' });
  expect(await notes.get({ id })).toMatchObject({ text: 'milk' });
  await expect(notes.add({ text: '   ' })).rejects.toMatchObject({ code: 'call/invalid-input' });
  await expect(kernel.commands.execute('demo.notes:add', 7)).rejects.toMatchObject({
    code: 'call/invalid-input',
  });
});

test('without notes it still renders', async () => {
  const kernel = await start('markdown');
  expect(await kernel.client(Markdown).toHtml({ text: '*hi*' })).toEqual({
    html: '<p><em>hi</em></p>',
  });
});
