/** A chart over time. The library is loaded with the first chart. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { messageOf } from './action.tsx';

const COLOURS = ['--series-1', '--series-2', '--series-3', '--series-4'];
const HEIGHT = 220;

/** @param data seconds, then one row for each name. */
export function Chart({
  names,
  data,
  unit,
}: {
  readonly names: readonly string[];
  readonly data: readonly (readonly (number | null)[])[];
  readonly unit: string;
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
        const styles = getComputedStyle(element);
        const colour = (name: string) => styles.getPropertyValue(name).trim();
        plot.current = makePlot(element, {
          height: HEIGHT,
          unit,
          names,
          colours: COLOURS.map(colour),
          text: colour('--soft'),
          line: colour('--line'),
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
