/** Elements of the kit as markup, without a plugin. */
import { KIT } from '@plinth/ui/host';
import { limitsOf } from '../../extensions/ui/src/limits.ts';
import { htmlOf } from '../../extensions/ui/src/markup.ts';
import { ViewTree } from '../../extensions/ui/src/view-tree.ts';

const scope = { uid: 'x', words: { close: 'Close' } };

/** The tree of one element. */
export function treeOf(type: string, props: object): ViewTree {
  const tree = new ViewTree(KIT, limitsOf());
  tree.apply([0, 0, 0, [1, type, props, null, []]]);
  return tree;
}

/** The markup of one element. */
export const markupOf = (type: string, props: object): string =>
  htmlOf(treeOf(type, props).root, KIT, scope);
