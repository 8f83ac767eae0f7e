/** `renderView` of `@plinth/ui/html`: the first batch of a view as markup. */
import { renderView } from '@plinth/ui/html';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, startKernel } from '../support/kernels.ts';
import { PANEL, sending, startPanel, viewPackage } from './kernels.ts';
import kept from './plugins/kept.ts?bundle';

const sent = async (batch: unknown) => {
  const code = sending(`yield ${JSON.stringify(JSON.stringify(batch))};`);
  const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(code)]);
  return renderView(kernel, { plugin: PANEL, view: 'panel' });
};
const body = (html: string) =>
  /<div data-plinth="view-body">(.*)<\/div><\/section>$/s.exec(html)?.[1];

describe(`${runtime}: renderView`, () => {
  it('starts a plugin, shows its view under its name, and closes it', async () => {
    const kernel = await startPanel();
    const html = await renderView(kernel, {
      plugin: PANEL,
      view: 'panel',
      props: { greet: '<Hi>' },
    });
    expect(html).toContain('<header data-plinth="view-header">The panel</header>');
    expect(html).toContain('<h3 data-plinth="heading">&lt;Hi&gt; one</h3>');
    expect(html).toContain('<button data-plinth="button" type="button">count 0</button>');
    expect(html).toContain('<ul data-plinth="list" role="list" aria-label="Rows"></ul>');
  });

  it('writes every element, with its values', async () => {
    const html = await sent([
      [0, 0, 0, [1, 'field', { label: 'Name', value: 'a "b"', kind: 'email' }, null, []]],
      [0, 0, 1, [2, 'textarea', { label: 'Text', value: '\nline' }, null, []]],
      [0, 0, 2, [3, 'checkbox', { label: 'Yes', checked: true }, null, []]],
      [
        ...[0, 0, 3],
        [
          ...[4, 'radio', { label: 'Size', value: 'l' }, null],
          [
            [5, 'option', { value: 's' }, null, [[6, 'Small']]],
            [7, 'option', { value: 'l' }, null, [[8, 'Large']]],
          ],
        ],
      ],
      [
        0,
        0,
        4,
        [
          9,
          'select',
          { label: 'Pick', value: 'x' },
          null,
          [[10, 'option', { value: 'x' }, null, [[11, 'X']]]],
        ],
      ],
    ]);
    const inside = body(html) as string;
    expect(inside).toContain('value="a &quot;b&quot;"');
    expect(inside).toContain('>\n\nline</textarea>');
    expect(inside).toMatch(/type="checkbox" checked=""/);
    expect(inside).toMatch(/value="l" checked="">.*Large/);
    expect(inside).not.toMatch(/value="s" checked/);
    expect(inside).toContain('<option value="x" selected="">X</option>');
  });

  it('shows the children of an element that it does not know', async () => {
    const html = await sent([[0, 0, 0, [1, 'hologram', { depth: 3 }, ['turn'], [[2, 'inside']]]]]);
    expect(body(html)).toBe('<div data-plinth="unknown">inside</div>');
  });

  it('is empty for a view that shows nothing, and an error for one that never comes', async () => {
    const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(kept)]);
    expect(body(await renderView(kernel, { plugin: PANEL, view: 'empty' }))).toBe('');
    const silent = await startKernel({ isolation: 'worker', createHost }, [
      viewPackage(sending('')),
    ]);
    const never = await rejection(
      renderView(silent, { plugin: PANEL, view: 'panel', timeout: 500 }),
    );
    expect(never).toMatchObject({ code: 'call/timeout', plugin: PANEL });
  });

  it('rejects for a view that breaks the rules, and for one that there is not', async () => {
    expect(await rejection(sent('no list'))).toMatchObject({ code: 'view/refused' });
    const kernel = await startPanel();
    const missing = await rejection(renderView(kernel, { plugin: PANEL, view: 'none' }));
    expect(missing.message).toContain("no view 'none': there are panel");
    const absent = await rejection(renderView(kernel, { plugin: 'test.absent', view: 'panel' }));
    expect(absent.code).toBe('call/unknown-command');
    const wrong = await rejection(renderView(kernel, { plugin: '', view: 'panel' }));
    expect(wrong.code).toBe('kernel/invalid-option');
  });
});
