/** What plugins use over time, from the first look at the panel on. */
import { useRef, useState } from 'preact/hooks';
import { MEASURES, type Measure, Series } from '../model/series.ts';
import { plainText } from '../model/show-value.ts';
import { Chart } from '../parts/chart.tsx';
import { Choice } from '../parts/choice.tsx';
import { useInspector } from '../parts/context.ts';
import { PluginSelect } from '../parts/plugin-select.tsx';
import { usePolled } from '../parts/poll.ts';

const EVERY = 2_000;
const TITLES = MEASURES.map(({ title }) => title);

export function MetricsSeries() {
  const { kernel } = useInspector();
  const series = useRef(new Series());
  const [title, setTitle] = useState(TITLES[0] as string);
  const [plugin, setPlugin] = useState('');
  const { failure } = usePolled('series', EVERY, async () => {
    const usage = await kernel.plugins.usage();
    series.current.add(performance.now() / 1_000, usage);
    return usage;
  });
  const measure = MEASURES.find((one) => one.title === title) as Measure;
  const { names, data } = series.current.lines(measure, plugin);
  return (
    <section class="panel" aria-label="Over time">
      <div class="row tools">
        <Choice label="Measure" values={TITLES} value={title} onChange={setTitle} />
        <PluginSelect all="The largest" value={plugin} onChange={setPlugin} />
      </div>
      {failure !== undefined && <p class="problem">{failure}</p>}
      {names.length > 0 && (
        <Chart
          key={`${title} ${names.join()}`}
          names={names}
          data={data}
          unit={measure.unit}
          least={1}
        />
      )}
      <table aria-label="Last values">
        <tbody>
          {names.map((name, index) => (
            <tr key={name} data-series={name}>
              <th scope="row">{plainText(name, 80)}</th>
              <td>{valueText(data[index + 1]?.at(-1), measure)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const valueText = (value: number | null | undefined, { unit }: Measure) =>
  value === null || value === undefined ? 'not known' : `${value.toFixed(1)} ${unit}`;
