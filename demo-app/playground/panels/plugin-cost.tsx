/** What one plugin uses: in short on its card, and as a whole. */
import type { PluginUsage } from '@plinth/host-browser';
import { bytes, counted } from '../model/units.ts';
import { Facts } from '../parts/facts.tsx';
import { milliseconds } from '../parts/waterfall.tsx';

export function PluginCost({ usage }: { readonly usage: PluginUsage | undefined }) {
  return usage === undefined ? <p class="hint">Measuring…</p> : <Facts facts={factsOf(usage)} />;
}

/** One line for the card. */
export function costInShort({ calls, storage, crashes }: PluginUsage): string {
  const parts = [
    counted(calls.answered, 'call'),
    calls.failed > 0 && `${calls.failed} failed`,
    storage !== undefined && bytes(storage.used),
    crashes > 0 && counted(crashes, 'crash', 'crashes'),
  ];
  return parts.filter(Boolean).join(', ');
}

function factsOf(usage: PluginUsage): readonly (readonly [string, string])[] {
  const { calls, storage, messages, memory, cpu, eventLoop, activation } = usage;
  const of = (used: string, limit: string | undefined) =>
    limit === undefined ? used : `${used} of ${limit}`;
  const unknown = (name: string) => usage.unknown[name] ?? 'unknown';
  return [
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
