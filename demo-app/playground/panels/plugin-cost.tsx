/** What one plugin uses, measured while it is shown. */
import type { PluginUsage } from '@plinth/host-browser';
import { useEffect, useState } from 'preact/hooks';
import { useInspector } from '../parts/context.ts';
import { milliseconds } from '../parts/waterfall.tsx';

const EVERY = 2_000;

export function PluginCost({ id }: { readonly id: string }) {
  const { kernel } = useInspector();
  const [usage, setUsage] = useState<PluginUsage>();
  useEffect(() => {
    let shown = true;
    const read = () =>
      kernel.plugins.usage(id).then(
        (next) => shown && setUsage(next),
        // It was uninstalled meanwhile; its card goes with it.
        () => {},
      );
    void read();
    const timer = setInterval(read, EVERY);
    return () => {
      shown = false;
      clearInterval(timer);
    };
  }, [kernel, id]);
  if (usage === undefined) return <p class="hint">Measuring…</p>;
  return (
    <dl class="facts">
      {factsOf(usage).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function factsOf(usage: PluginUsage): readonly (readonly [string, string])[] {
  const { calls, storage, messages, memory, cpu, eventLoop, activation } = usage;
  const of = (used: string, limit: string | undefined) =>
    limit === undefined ? used : `${used} of ${limit}`;
  const unknown = (name: string) => usage.unknown[name] ?? 'unknown';
  return [
    ['Isolation', usage.isolation ?? 'not running'],
    ['Calls', `${calls.answered} answered, ${calls.failed} failed, ${calls.pending} pending`],
    [
      'Memory',
      memory === undefined
        ? unknown('memory')
        : of(bytes(memory.used), memory.limit === undefined ? undefined : bytes(memory.limit)),
    ],
    [
      'Processor',
      cpu === undefined
        ? unknown('cpu')
        : `${milliseconds(cpu.time)}, ${percent(cpu.share)} of a core`,
    ],
    ['Event loop', eventLoop === undefined ? unknown('eventLoop') : `${percent(eventLoop)} busy`],
    [
      'Messages',
      messages === undefined
        ? 'none'
        : `${messages.received} received, ${messages.sent} sent, ${messages.refused} refused`,
    ],
    [
      'Storage',
      storage === undefined
        ? 'none'
        : `${storage.keys} keys, ${of(bytes(storage.used), storage.limit === undefined ? undefined : bytes(storage.limit))}`,
    ],
    ['Log', `${usage.logs.lines} lines`],
    ['Crashes', `${usage.crashes}, ${usage.restarts} restarts`],
    ['Start', activation === undefined ? 'not started' : milliseconds(activation.total)],
  ];
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

/** A size with its unit. */
export function bytes(size: number): string {
  if (size < 1_000) return `${size} B`;
  if (size < 1_000_000) return `${(size / 1_000).toFixed(1)} kB`;
  return `${(size / 1_000_000).toFixed(1)} MB`;
}
