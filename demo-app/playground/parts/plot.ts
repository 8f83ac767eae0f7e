/** uPlot with the look of this page. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** What a plot looks like. */
export interface PlotOptions {
  readonly height: number;
  readonly unit: string;
  readonly least: number;
  readonly names: readonly string[];
  readonly colours: readonly string[];
  readonly text: string;
  readonly line: string;
}

/** Makes an empty plot in an element. */
export function makePlot(
  element: HTMLElement,
  { height, unit, least, names, colours, text, line }: PlotOptions,
): uPlot {
  const axis = {
    stroke: text,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
  };
  return new uPlot(
    {
      width: element.clientWidth,
      height,
      cursor: { show: false },
      scales: {
        x: { time: false },
        y: { range: (_plot, _min, max) => [0, Math.max(max, least) * 1.1] },
      },
      axes: [
        {
          ...axis,
          incrs: [1, 2, 5, 10, 20],
          values: (_plot, seconds) => seconds.map((second) => `${second.toFixed(0)} s`),
        },
        { ...axis, size: 60, values: (_plot, values) => values.map((value) => `${value} ${unit}`) },
      ],
      series: [
        {},
        ...names.map((name, index) => ({
          label: name,
          stroke: colours[index % colours.length],
          width: 2,
          spanGaps: true,
          points: { show: false },
        })),
      ],
      legend: { live: false },
    },
    [[], ...names.map(() => [])],
    element,
  );
}
