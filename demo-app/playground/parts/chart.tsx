/** A chart over time. The library is loaded with the first chart. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { messageOf } from './action.tsx';

const COLOURS = Array.from({ length: 6 }, (_, index) => `--series-${index + 1}`);
const HEIGHT = 220;

/** @param data seconds, then one row for each name. */
export function Chart({
  names,
  data,
  unit,
  least = 10,
}: {
  readonly names: readonly string[];
  readonly data: readonly (readonly (number | null)[])[];
  readonly unit: string;
  /** The top of the scale while all values are below it. */
  readonly least?: number;
}) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const [failure, setFailure] = useState<string>();
  // The plot is made once, and then given data
  useEffect(() => {
    let observer: ResizeObserver | undefined;
    let current = true;
    import('./plot.ts').then(
      ({ makePlot }) => {
        const element = box.current;
        if (!current || element === null) return;
        plot.current = makePlot(element, {
          height: HEIGHT,
          unit,
          least,
          names,
          colours: COLOURS.map((name) => colourOf(element, name)),
          text: colourOf(element, '--soft'),
          line: colourOf(element, '--line'),
        });
        observer = new ResizeObserver(() =>
          plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
        );
        observer.observe(element);
      },
      (error) => current && setFailure(messageOf(error)),
    );
    return () => {
      current = false;
      observer?.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, []);
  useEffect(() => {
    plot.current?.setData(data.map((row) => [...row]) as uPlot.AlignedData);
  });
  if (failure !== undefined) return <p class="problem">The chart can't be drawn: {failure}</p>;
  return <div ref={box} class="chart" role="img" aria-label={`${names.join(', ')} in ${unit}`} />;
}

/** The colour of a variable in the present scheme. A canvas knows neither variables nor schemes. */
function colourOf(element: HTMLElement, name: string): string {
  element.style.color = `var(${name})`;
  const { color } = getComputedStyle(element);
  element.style.color = '';
  return color;
}
