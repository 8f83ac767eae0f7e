/** What the kernel counts, and what each plugin's calls take. */
import type { TelemetryReport } from '@plinth/host-browser';
import { useEffect, useState } from 'preact/hooks';
import { plainText } from '../model/show-value.ts';
import { messageOf } from '../parts/action.tsx';
import { useInspector } from '../parts/context.ts';

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
  const [report, setReport] = useState<TelemetryReport>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    let shown = true;
    const read = () =>
      kernel.report().then(
        (next) => {
          if (!shown) return;
          setReport(next);
          setFailure(undefined);
        },
        (error) => shown && setFailure(messageOf(error)),
      );
    void read();
    const timer = setInterval(read, EVERY);
    return () => {
      shown = false;
      clearInterval(timer);
    };
  }, [kernel]);
  const counts = kernel.metrics.snapshot();
  return (
    <>
      <dl class="facts panel">
        {COUNTED.map((name) => (
          <div key={name}>
            <dt>{wordsOf(name)}</dt>
            <dd>{counts[name]}</dd>
          </div>
        ))}
      </dl>
      {failure !== undefined && <p class="problem">{failure}</p>}
      <section class="panel wide" tabIndex={0} aria-label="Plugins">
        <table>
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
            {report?.plugins.map(({ plugin, calls, failures, responseTime, availability }) => (
              <tr key={plugin}>
                <th scope="row">{plainText(plugin, 80)}</th>
                <td>{calls}</td>
                <td>{failures}</td>
                <td>{time(responseTime?.p50)}</td>
                <td>{time(responseTime?.p95)}</td>
                <td>{time(responseTime?.p99)}</td>
                <td>{availability.crashes}</td>
                <td>
                  {availability.share === undefined
                    ? ''
                    : `${(availability.share * 100).toFixed(1)} %`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

const time = (value: number | undefined) => (value === undefined ? '' : `${value.toFixed(2)} ms`);
const wordsOf = (name: string) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
