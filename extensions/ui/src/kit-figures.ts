/** Elements that the host makes of data: charts, and texts in Markdown. */
import { chart } from './chart.js';
import { points, pointsIn, series, valuesIn } from './chart-data.js';
import { oneOf, text } from './checks.js';
import { type Kit, label, short } from './kit-spec.js';
import { markdownOf } from './markdown.js';

const MARKDOWN = 10_000;

/** Elements that the host makes of data. */
export const figures: Kit = {
  chart: {
    props: { label: short, kind: oneOf('line', 'bar'), points, series },
    required: ['label'],
    leaf: true,
    sizes: { series: valuesIn, points: pointsIn },
    shape: chart,
  },
  markdown: {
    props: { text: text(MARKDOWN), label: short },
    leaf: true,
    // Three characters of Markdown make at most two elements.
    sizes: { text: (value) => Math.ceil((String(value).length * 2) / 3) },
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
