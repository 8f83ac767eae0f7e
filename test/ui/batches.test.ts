/** What is too much for one batch follows in the next ones, in its order. */
import { h } from '@plinth/ui';
import { KIT } from '@plinth/ui/host';
import { expect, it } from 'vitest';
import { limitsOf } from '../../extensions/ui/src/limits.ts';
import { Pictures } from '../../extensions/ui/src/pictures.ts';
import { Reconciler } from '../../extensions/ui/src/reconcile.ts';
import { Session } from '../../extensions/ui/src/session.ts';
import { ViewTree } from '../../extensions/ui/src/view-tree.ts';

/** The head of a PNG of one pixel, and as much behind it as an image may have. */
const PHOTO = `iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAA${'A'.repeat(690_000)}`;
const photos = (...names: readonly string[]) =>
  h(
    'stack',
    null,
    names.map((label) => h('image', { key: label, data: PHOTO, label })),
  );

function start() {
  const session = new Session(new Pictures({} as never));
  const tree = new ViewTree(KIT, limitsOf());
  return {
    session,
    reconciler: new Reconciler(session),
    shown: () => tree.root.kids[0]?.kids.map(({ props }) => [props.label, 'data' in props]),
    text: () => tree.root.kids[0]?.kids[0]?.kids[0]?.text,
    async take() {
      const { value } = await session.next();
      for (const op of tree.read(value)) tree.apply(op);
    },
  };
}

it('images that are too much for one batch come in the next one', async () => {
  const { reconciler, shown, take } = start();
  reconciler.show([photos('a', 'b', 'c')]);
  await take();
  expect(shown()).toEqual([
    ['a', true],
    ['b', true],
    ['c', false],
  ]);
  // What has changed in between comes behind it.
  reconciler.show([photos('c')]);
  await take();
  expect(shown()?.[2]).toEqual(['c', true]);
  await take();
  expect(shown()).toEqual([['c', true]]);
});

it('changes that a page has not asked for while it stood still come in parts', async () => {
  const { session, reconciler, text, take } = start();
  reconciler.show([h('stack', null, h('text', null, 'first'))]);
  await take();
  for (let at = 0; at < 45_000; at++) session.push([2, 3, `change ${at}`]);
  for (const last of [19_999, 39_999, 44_999]) {
    await take();
    expect(text()).toBe(`change ${last}`);
  }
});

it('a view that shows nothing at first says so', async () => {
  const { session, take } = start();
  await take();
  const second = session.next();
  session.push([0, 0, 0, [1, 'late']]);
  expect((await second).value).toBe('[[0,0,0,[1,"late"]]]');
});

it('an image that has gone again before it was read is no fault', async () => {
  const { reconciler, shown, take } = start();
  reconciler.show([photos('a', 'b', 'c')]);
  reconciler.show([photos('b')]);
  await take();
  await take();
  expect(shown()).toEqual([['b', true]]);
});
