/**
 * What `views()` sends, applied by the host's tree, is what the view wants to show: for any two trees,
 * one after the other.
 */

import { h, type ViewNode } from '@plinth/ui';
import { type HostNode, KIT } from '@plinth/ui/host';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { wantedOf } from '../../extensions/ui/src/child.ts';
import { limitsOf } from '../../extensions/ui/src/limits.ts';
import { Pictures } from '../../extensions/ui/src/pictures.ts';
import { Reconciler } from '../../extensions/ui/src/reconcile.ts';
import { Session } from '../../extensions/ui/src/session.ts';
import { ViewTree } from '../../extensions/ui/src/view-tree.ts';

type Model =
  | string
  | {
      readonly type: 'stack' | 'text' | 'button';
      readonly key?: number;
      readonly gap?: 'small' | 'large';
      readonly press: boolean;
      readonly kids: readonly Model[];
    };

const model: fc.Arbitrary<Model> = fc.letrec<{ node: Model }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('a', 'b', ''),
    fc.record(
      {
        type: fc.constantFrom('stack', 'text', 'button'),
        key: fc.constantFrom(1, 2, 3, 4),
        gap: fc.constantFrom('small', 'large'),
        press: fc.boolean(),
        kids: fc.array(tie('node'), { maxLength: 5 }),
      },
      { requiredKeys: ['type', 'press', 'kids'] },
    ) as fc.Arbitrary<Model>,
  ),
})).node;

const wanted = (one: Model): ViewNode | string => {
  if (typeof one === 'string') return one;
  const { type, key, gap, press, kids } = one;
  const props = {
    ...(key !== undefined && { key }),
    ...(gap !== undefined && type === 'stack' && { gap }),
    ...(press && { onPress() {} }),
  };
  return h(type, props, ...kids.map(wanted)) as ViewNode;
};
const plain = (one: Model): unknown => {
  if (typeof one === 'string') return one;
  const { type, gap, press, kids } = one;
  const props = gap !== undefined && type === 'stack' ? { gap } : {};
  return [type, props, press && type === 'button' ? ['press'] : [], kids.map(plain)];
};
const shown = (node: HostNode): unknown =>
  node.type === '#text' ? node.text : [node.type, node.props, node.events, node.kids.map(shown)];

it('any tree becomes any other', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(model, { maxLength: 6 }), { minLength: 1, maxLength: 5 }),
      (trees) => {
        const session = new Session(
          new Pictures({
            fetch: () => Promise.reject(new Error('no network')),
            logger: { debug() {}, info() {}, warn() {}, error() {} },
          }),
        );
        const ops: unknown[] = [];
        session.push = (op) => ops.push(op);
        const reconciler = new Reconciler(session);
        const tree = new ViewTree(KIT, limitsOf());
        for (const one of trees) {
          reconciler.show(wantedOf(one.map(wanted)));
          for (const op of tree.read(JSON.stringify(ops.splice(0)))) tree.apply(op);
          expect(tree.root.kids.map(shown)).toEqual(one.map(plain));
        }
      },
    ),
    { numRuns: 400 },
  );
});

it('what is the same costs nothing, and a new order moves what it has', () => {
  const session = new Session(
    new Pictures({
      fetch: () => Promise.reject(new Error('no network')),
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    }),
  );
  const ops: unknown[][] = [];
  session.push = (op) => ops.push([...op]);
  const reconciler = new Reconciler(session);
  const list = (keys: readonly number[]) =>
    wantedOf(keys.map((key) => h('item', { key }, `row ${key}`)));
  reconciler.show(list([1, 2, 3, 4]));
  ops.length = 0;
  reconciler.show(list([1, 2, 3, 4]));
  expect(ops).toEqual([]);
  reconciler.show(list([4, 1, 2, 3]));
  expect(ops.map(([kind]) => kind)).toEqual([4]);
  ops.length = 0;
  reconciler.show(list([4, 2, 3]));
  expect(ops.map(([kind]) => kind)).toEqual([1]);
});

it('a key that is there twice is two elements', () => {
  const session = new Session(
    new Pictures({
      fetch: () => Promise.reject(new Error('no network')),
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    }),
  );
  const ops: unknown[] = [];
  session.push = (op) => ops.push(op);
  const reconciler = new Reconciler(session);
  reconciler.show(wantedOf([h('item', { key: 1 }, 'a'), h('item', { key: 1 }, 'b')]));
  reconciler.show(wantedOf([h('item', { key: 1 }, 'a')]));
  const tree = new ViewTree(KIT, limitsOf());
  for (const op of ops) tree.apply(op);
  expect(tree.root.kids.map(shown)).toEqual([['item', {}, [], ['a']]]);
});
