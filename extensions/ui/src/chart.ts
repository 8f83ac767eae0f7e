/**
 * Charts, drawn by the host from numbers. A screen reader has the same numbers as a table, and no
 * picture.
 */
import { type ChartSeries, pointsOf, seriesOf } from './chart-data.js';
import type { HostNode } from './host-node.js';
import { label } from './kit-spec.js';
import type { Shape } from './shape.js';

const WIDTH = 320;
const HEIGHT = 160;
const LEFT = 36;
const RIGHT = 312;
const TOP = 8;
const BOTTOM = 142;
/** Lines across, about. */
const STEPS = 4;
/** Names below the plot, at most, and their characters. */
const NAMES = 6;
const NAME = 10;

interface Plot {
  readonly series: readonly ChartSeries[];
  /** The name of each value. */
  readonly names: readonly string[];
  readonly bars: boolean;
  readonly ticks: readonly number[];
  x(at: number): number;
  y(value: number): number;
}

/** The shape of a chart. */
export function chart(node: HostNode): Shape {
  const { kind, series, points } = node.props;
  const plot = plotOf(seriesOf(series) ?? [], pointsOf(points) ?? [], kind === 'bar');
  return {
    tag: 'figure',
    attributes: { 'data-plinth': 'chart', 'aria-label': label(node) },
    inside: [
      { tag: 'figcaption', attributes: { 'data-plinth': 'label' }, text: label(node) },
      picture(plot),
      legend(plot),
      table(plot, label(node)),
    ],
  };
}

function plotOf(series: readonly ChartSeries[], points: readonly string[], bars: boolean): Plot {
  const length = Math.max(points.length, ...series.map(({ values }) => values.length), 0);
  const values = series.flatMap((row) => row.values).filter((value) => value !== null);
  const ticks = ticksOf(bars ? [0, ...values] : values);
  const [low, high] = [ticks[0] as number, ticks.at(-1) as number];
  const wide = RIGHT - LEFT;
  return {
    ...{ series, bars, ticks },
    names: Array.from({ length }, (_, at) => points[at] ?? String(at + 1)),
    x: (at) =>
      bars || length < 2
        ? LEFT + ((at + 0.5) * wide) / Math.max(length, 1)
        : LEFT + (at * wide) / (length - 1),
    y: (value) => BOTTOM - ((value - low) / (high - low)) * (BOTTOM - TOP),
  };
}

/** Round numbers around all values, the lowest first. There are at least two. */
function ticksOf(values: readonly number[]): readonly number[] {
  const low = values.length === 0 ? 0 : Math.min(...values);
  const high = values.length === 0 ? 1 : Math.max(...values);
  // Steps that are too fine for numbers of this size would all be the same number.
  const finest = Math.max(Math.abs(low), Math.abs(high)) * 1e-12;
  const rough = Math.max((high - low || Math.abs(high) || 1) / STEPS, finest, 1e-300);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((one) => one * power >= rough) ?? 10);
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil(high / step), first + 1);
  return Array.from({ length: last - first + 1 }, (_, at) => (first + at) * step);
}

function picture(plot: Plot): Shape {
  const { names, series, ticks, x, y } = plot;
  const every = Math.ceil(names.length / NAMES);
  return {
    tag: 'svg',
    attributes: {
      'data-plinth': 'plot',
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      'aria-hidden': 'true',
    },
    inside: [
      line('grid', ticks.map((tick) => `M${LEFT} ${short(y(tick))}H${RIGHT}`).join('')),
      ...ticks.map((tick) => words('tick', LEFT - 4, y(tick) + 3, compact(tick))),
      ...names.flatMap((name, at) =>
        at % every === 0 ? [words('name', x(at), HEIGHT - 4, name.slice(0, NAME))] : [],
      ),
      ...series.map((row, at) => line(plot.bars ? 'bars' : 'line', pathOf(plot, row, at), at)),
    ],
  };
}

function pathOf(plot: Plot, { values }: ChartSeries, at: number): string {
  const { x, y } = plot;
  if (!plot.bars)
    return values
      .map((value, index) => {
        if (value === null) return '';
        const [kind, end] = (values[index - 1] ?? null) === null ? ['M', 'h0'] : ['L', ''];
        return `${kind}${short(x(index))} ${short(y(value))}${end}`;
      })
      .join('');
  const room = ((RIGHT - LEFT) / Math.max(plot.names.length, 1)) * 0.8;
  const wide = room / plot.series.length;
  return values
    .map((value, index) => {
      if (value === null) return '';
      const left = x(index) - room / 2 + at * wide;
      return `M${short(left)} ${short(y(0))}V${short(y(value))}h${short(wide)}V${short(y(0))}Z`;
    })
    .join('');
}

/** What its user sees; a screen reader has the table. */
function legend({ series }: Plot): Shape {
  return {
    tag: 'div',
    attributes: { 'data-plinth': 'legend', 'aria-hidden': 'true' },
    inside: series.map((row, at) => ({
      tag: 'span',
      attributes: { 'data-series': String(at) },
      text: row.label,
    })),
  };
}

function table({ series, names }: Plot, name: string): Shape {
  const head = (text: string, scope: string): Shape => ({
    tag: 'th',
    attributes: { scope },
    text,
  });
  const row = (inside: readonly Shape[]): Shape => ({ tag: 'tr', inside });
  const heads = series.map((one) => head(one.label, 'col'));
  const rows = names.map((point, at) =>
    row([
      head(point, 'row'),
      ...series.map(({ values }): Shape => ({ tag: 'td', text: String(values[at] ?? '') })),
    ]),
  );
  return {
    tag: 'table',
    attributes: { 'data-plinth': 'chart-table', 'aria-label': name },
    inside: [{ tag: 'tbody', inside: [row([{ tag: 'td' }, ...heads]), ...rows] }],
  };
}

function line(kind: string, d: string, at?: number): Shape {
  const series = at === undefined ? undefined : String(at);
  return { tag: 'path', attributes: { 'data-plinth': `plot-${kind}`, 'data-series': series, d } };
}

const words = (kind: string, x: number, y: number, text: string): Shape => ({
  tag: 'text',
  attributes: { 'data-plinth': `plot-${kind}`, x: short(x), y: short(y) },
  text,
});

const short = (value: number): string => String(Math.round(value * 10) / 10);

/** Short enough for the axis. */
function compact(value: number): string {
  const [size, unit] = (
    [
      [1e12, 'T'],
      [1e9, 'G'],
      [1e6, 'M'],
      [1e3, 'k'],
    ] as const
  ).find(([least]) => Math.abs(value) >= least) ?? [1, ''];
  return `${Number((value / size).toPrecision(4))}${unit}`;
}
