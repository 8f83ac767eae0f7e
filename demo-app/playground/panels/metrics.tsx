/** What the kernel counts, what plugins use over time, and what each plugin's calls take. */
import type { TelemetryReport } from '@plinth/host-browser';
import { plainText } from '../model/show-value.ts';
import { useInspector } from '../parts/context.ts';
import { Facts } from '../parts/facts.tsx';
import { usePolled } from '../parts/poll.ts';
import { MetricsSeries } from './metrics-series.tsx';
import { MetricsText } from './metrics-text.tsx';

const EVERY = 2_000;
const COUNTED = [
  'calls',
  'failures',
  'events',
  'deliveries',
  'droppedDeliveries',
  'permissionChecks',
  'permissionDenials',
  'middlewareRuns',
  'refusedMessages',
] as const;

/** The whole panel. */
export function MetricsPanel() {
  const { kernel } = useInspector();
  const { value: report, failure } = usePolled('report', EVERY, () => kernel.report());
  const counts = kernel.metrics.snapshot();
  return (
    <>
      <Facts panel facts={COUNTED.map((name) => [wordsOf(name), counts[name]] as const)} />
      {failure !== undefined && <p class="problem">{failure}</p>}
      <MetricsSeries />
      <section class="panel wide" tabIndex={0} aria-label="Plugins">
        <h3>The last hour</h3>
        <Report plugins={report?.plugins ?? []} />
      </section>
      <MetricsText />
    </>
  );
}

function Report({ plugins }: Pick<TelemetryReport, 'plugins'>) {
  return (
    <table aria-label="The last hour">
      <thead>
        <tr>
          <th scope="col">Plugin</th>
          <th scope="col">Calls</th>
          <th scope="col">Failed</th>
          <th scope="col">p50</th>
          <th scope="col">p95</th>
          <th scope="col">p99</th>
          <th scope="col">Crashes</th>
          <th scope="col">Available</th>
        </tr>
      </thead>
      <tbody>
        {plugins.map(({ plugin, calls, failures, responseTime, availability }) => (
          <tr key={plugin}>
            <th scope="row">{plainText(plugin, 80)}</th>
            <td>{calls}</td>
            <td>{failures}</td>
            <td>{time(responseTime?.p50)}</td>
            <td>{time(responseTime?.p95)}</td>
            <td>{time(responseTime?.p99)}</td>
            <td>{availability.crashes}</td>
            <td>
              {availability.share === undefined ? '' : `${(availability.share * 100).toFixed(1)} %`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const time = (value: number | undefined) => (value === undefined ? '' : `${value.toFixed(2)} ms`);
const wordsOf = (name: string) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
