/** Elements that the host makes of data: charts, and texts in Markdown. */
import { chart } from './chart.js';
import { cellsIn, points, series } from './chart-data.js';
import { oneOf, type PropValue, text } from './checks.js';
import { type Kit, label, short } from './kit-spec.js';
import { markdownOf } from './markdown.js';
import type { Shape } from './shape.js';

const MARKDOWN = 10_000;

/**
 * How many elements a text makes, at least two for three characters: so the length alone says how
 * much of the usual Markdown fits. Lists and quotes inside of each other make more.
 */
const markdownIn = (value: PropValue): number =>
  Math.max(Math.ceil((String(value).length * 2) / 3), shapesIn(markdownOf(String(value))));

const shapesIn = (shapes: readonly Shape[] = []): number =>
  shapes.reduce((sum, { inside }) => sum + 1 + shapesIn(inside), 0);

/** Elements that the host makes of data. */
export const figures: Kit = {
  chart: {
    props: { label: short, kind: oneOf('line', 'bar'), points, series },
    required: ['label'],
    leaf: true,
    sizes: {
      series: (rows, { points: names }) => cellsIn(rows, names),
      points: (names, { series: rows }) => (rows === undefined ? cellsIn(rows, names) : 0),
    },
    shape: chart,
  },
  markdown: {
    props: { text: text(MARKDOWN), label: short },
    leaf: true,
    sizes: { text: markdownIn },
    shape: (node) => ({
      tag: 'div',
      attributes: {
        'data-plinth': 'markdown',
        ...(node.props.label !== undefined && { role: 'group', 'aria-label': label(node) }),
      },
      inside: markdownOf(String(node.props.text ?? '')),
    }),
  },
};
