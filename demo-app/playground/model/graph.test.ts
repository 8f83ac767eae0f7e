import { expect, test } from 'vitest';
import { Edges } from './graph.ts';
import { layoutOf } from './layout.ts';

const flow = (from: string, to: string) => ({ from, to, perSecond: 2, total: 10, failed: 1 });
const shown = (edges: Edges) =>
  edges.all.map(({ from, to, kind, total }) => `${from} ${kind} ${to} ${total}`);

test('a dependency and a need of the same two are two edges, and the need has the calls', () => {
  const edges = new Edges(new Set(['a', 'b']));
  edges.put('a', 'b', 'depends');
  edges.put('a', 'b', 'needs');
  edges.put('a', 'b', 'needs');
  edges.flow(flow('a', 'b'));
  edges.flow(flow('b', 'a'));
  expect(shown(edges)).toEqual(['a depends b 0', 'a needs b 10', 'b calls a 10']);
});

test('what is not known and what calls itself has no edge', () => {
  const edges = new Edges(new Set(['a']));
  edges.put('a', 'b', 'needs');
  edges.flow(flow('a', 'a'));
  edges.flow(flow('c', 'a'));
  expect(edges.all).toEqual([]);
});

test('each edge of two has a place of its own', () => {
  const edges = new Edges(new Set(['a', 'b']));
  edges.put('a', 'b', 'depends');
  edges.put('a', 'b', 'needs');
  const node = (id: string) => ({ id, name: id, state: 'active', detail: '' });
  const layout = layoutOf({ nodes: [node('a'), node('b')], edges: edges.all });
  const paths = edges.all.map(({ key }) => layout.edges.get(key)?.path);
  expect(new Set(paths).size).toBe(2);
  expect(paths).not.toContain(undefined);
});
