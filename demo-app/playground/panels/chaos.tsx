/** Real faults on demand, beside a chart of how fast the other plugins answer meanwhile. */
import { useEffect, useState } from 'preact/hooks';
import type { CallFault } from '../model/faults.ts';
import { Probe } from '../model/probe.ts';
import { useChanges } from '../model/store.ts';
import { Action, Failure, messageOf } from '../parts/action.tsx';
import { Badge } from '../parts/badge.tsx';
import { Chart } from '../parts/chart.tsx';
import { useInspector } from '../parts/context.ts';

const ROGUE = 'demo.rogue';

interface Fault {
  readonly label: string;
  readonly about: string;
  /** Of the rogue, with its input. */
  readonly command: string;
  readonly input?: unknown;
  /** Of the rogue in the Node kernel that serves the page, where there is one. */
  readonly inNode?: true;
  /** What its answer says. */
  readonly told?: (answer: unknown) => string;
}

/** Megabytes that the rogue holds in the page at most. */
const HELD = 512;
/** Milliseconds in which Node's rogue answers, or has come to its end. */
const NODE_TIMEOUT = 30_000;

const FAULTS: readonly Fault[] = [
  { label: 'Crash', about: 'throws where nothing catches', command: 'throwLater' },
  { label: 'Exit', about: 'ends its worker without a word', command: 'exit' },
  {
    label: 'Hang',
    about: 'keeps its thread for 30 s; after 15 s the kernel ends it and starts it again',
    command: 'spin',
    input: { ms: 30_000 },
  },
  { label: 'Flood', about: '20,000 events and log entries', command: 'flood', input: {} },
  {
    label: 'Fill memory',
    about: `holds ${HELD} MB until it is reloaded: no browser tells what a worker uses, or bounds it`,
    command: 'leak',
    input: { megabytes: HELD, most: HELD },
    told: (answer) => {
      const { held } = answer as { readonly held?: unknown };
      return `the rogue is full, it holds ${Number(held)} MB`;
    },
  },
  {
    label: 'Fill memory in Node',
    about: 'allocates 2 GB where a guest may have 256 MB: its worker is ended, and started again',
    command: 'leak',
    input: { megabytes: 2_048 },
    inNode: true,
  },
  {
    label: 'Forge messages',
    about: 'sends what no honest guest sends',
    command: 'forge',
    input: { kind: 'noise' },
  },
];

/** The whole panel. */
export function ChaosPanel() {
  const { kernel, plugins, comparison } = useInspector();
  useChanges(plugins);
  const { node } = comparison;
  const [failure, setFailure] = useState<string>();
  const [said, setSaid] = useState('');
  const { state = 'uninstalled' } = kernel.plugins.get(ROGUE) ?? {};
  const strike = ({ label, command, input, inNode, told }: Fault) => {
    const id = `${ROGUE}:${command}`;
    setSaid(`${label}: running`);
    const answer =
      inNode && node !== undefined
        ? node.execute(id, input, {
            signal: AbortSignal.timeout(NODE_TIMEOUT),
            timeout: NODE_TIMEOUT,
          })
        : kernel.commands.execute(id, input);
    // Not awaited: a fault that hangs the rogue must not hold the button.
    answer.then(
      (value) => setSaid(`${label}: ${told?.(value) ?? 'the rogue has answered'}`),
      (error) => setSaid(`${label}: ${messageOf(error)}`),
    );
  };
  return (
    <>
      <div class="two">
        <section class="panel" aria-label="Faults of the rogue">
          <div class="card-title">
            <h3>The rogue</h3>
            <Badge state={state} />
          </div>
          <ul class="faults">
            {FAULTS.filter(({ inNode }) => !inNode || node !== undefined).map((fault) => (
              <li key={fault.label}>
                <Action
                  label={fault.label}
                  danger
                  possible={fault.inNode || state === 'active'}
                  run={() => strike(fault)}
                  onFailure={setFailure}
                />
                <span class="hint">{fault.about}</span>
              </li>
            ))}
          </ul>
          <div class="row">
            <Action
              label="Reload the rogue"
              run={() => kernel.plugins.reload(ROGUE)}
              onFailure={setFailure}
            />
          </div>
          <p class="hint" role="status" aria-label="Fault">
            {said}
          </p>
          <Failure message={failure} />
        </section>
        <Surroundings />
      </div>
      <Latency />
    </>
  );
}

/** Faults around the plugins: slow calls, lost calls, and a full disk. They last in other panels. */
function Surroundings() {
  const { faults } = useInspector();
  useChanges(faults.changes);
  const toggle = (kind: CallFault) => faults.setCalls(faults.calls === kind ? undefined : kind);
  return (
    <section class="panel" aria-label="Faults around the plugins">
      <h3>Around the plugins</h3>
      <ul class="faults">
        <li>
          <button
            type="button"
            aria-pressed={faults.calls === 'slow'}
            onClick={() => toggle('slow')}
          >
            Slow search
          </button>
          <span class="hint">each call of demo.search takes 800 ms more</span>
        </li>
        <li>
          <button
            type="button"
            aria-pressed={faults.calls === 'drop'}
            onClick={() => toggle('drop')}
          >
            Drop search
          </button>
          <span class="hint">calls of demo.search are lost; they end when their time is over</span>
        </li>
        <li>
          <button
            type="button"
            aria-pressed={faults.diskFull}
            onClick={() => faults.setDiskFull(!faults.diskFull)}
          >
            Full disk
          </button>
          <span class="hint">every write of the storage fails</span>
        </li>
      </ul>
    </section>
  );
}

/** Measures while the panel is shown. */
function Latency() {
  const { kernel } = useInspector();
  const [probe, setProbe] = useState<Probe>();
  useEffect(() => {
    const made = new Probe(kernel);
    setProbe(made);
    return () => made.stop();
  }, [kernel]);
  return (
    <section class="panel" aria-label="Response times">
      <h3>How fast the others answer</h3>
      {probe !== undefined && <LatencyChart probe={probe} />}
    </section>
  );
}

function LatencyChart({ probe }: { readonly probe: Probe }) {
  useChanges(probe.changes);
  return (
    <>
      <Chart names={probe.names} data={probe.data()} unit="ms" />
      <table aria-label="Last response times">
        <tbody>
          {probe.last().map(({ name, last, worst, failed }) => (
            <tr key={name} data-probe={name}>
              <th scope="row">{name}</th>
              <td>{last === undefined ? 'waiting' : `${last.toFixed(1)} ms`}</td>
              <td>slowest {worst.toFixed(1)} ms</td>
              <td>{failed} failed</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
