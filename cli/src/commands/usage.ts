/** `plinth usage`: what plugins use now. */
import type { TenantUsage, PluginUsage as Usage } from '@plinth/host-node';
import type { RunCommand } from '../command.js';
import { withOperator } from '../operate/with-operator.js';
import { table } from '../terminal/terminal.js';

/** Shows every plugin in a line, or one in full. */
export const run: RunCommand = ([id], options, terminal) =>
  withOperator(options, terminal, async (operator) => {
    if (id !== undefined) {
      const usage = await operator.usageOf(id);
      return { data: { usage }, text: table(rowsOf(usage)) };
    }
    const usages = await operator.usage();
    const together = await operator.usageOfAll();
    const plugins =
      usages.length === 0
        ? 'no plugins'
        : table([
            ['plugin', 'state', 'memory', 'cpu', 'storage', 'keys', 'start'],
            ...usages.map((one) => [
              one.id,
              one.state,
              amountOf(one.memory),
              one.cpu === undefined ? '-' : ms(one.cpu.time),
              amountOf(one.storage),
              String(one.storage?.keys ?? '-'),
              one.activation === undefined ? '-' : ms(one.activation.total),
            ]),
          ]);
    if (together === undefined) return { data: { plugins: usages }, text: plugins };
    return {
      data: { plugins: usages, together },
      text: `${plugins}\n\ntogether: ${togetherOf(together)}`,
    };
  });

function togetherOf({ memory, storage, calls, messages, unknown }: TenantUsage): string {
  const counted = ({ used, limit }: { readonly used: number; readonly limit?: number }) =>
    limit === undefined ? String(used) : `${used} of ${limit}`;
  return [
    `memory ${amountOf(memory)}`,
    `storage ${amountOf(storage)}`,
    `calls ${counted(calls)}`,
    ...(messages === undefined ? [] : [`messages ${counted(messages)}`]),
    ...Object.entries(unknown).map(([name, why]) => `${name} not known: ${why}`),
  ].join(', ');
}

function rowsOf(usage: Usage): readonly (readonly string[])[] {
  const { id, version, state, isolation, memory, cpu, eventLoop, messages, calls } = usage;
  const { storage, logs, crashes, restarts, activation, unknown } = usage;
  const { total, ...phases } = activation ?? { total: undefined };
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['id', id],
    ['version', version],
    ['state', state],
    ['isolation', isolation],
    ['memory', memory && amountOf(memory)],
    ['cpu', cpu && `${ms(cpu.time)}, ${(cpu.share * 100).toFixed(1)} % of a core`],
    ['event loop', eventLoop === undefined ? undefined : `${(eventLoop * 100).toFixed(1)} % busy`],
    ['messages', messages && listOf(messages)],
    ['calls', listOf(calls)],
    ['storage', storage && `${amountOf(storage)}, ${storage.keys} keys`],
    ['logs', `${logs.lines} lines`],
    ['crashes', String(crashes)],
    ['restarts', String(restarts)],
    ['start', total === undefined ? undefined : `${ms(total)}: ${listOf(phases, ms)}`],
    ...Object.entries(unknown).map(([name, why]) => [name, `not known: ${why}`] as const),
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

const listOf = (numbers: object, show: (value: number) => string = String) =>
  Object.entries(numbers)
    .map(([name, value]) => `${name} ${show(Number(value))}`)
    .join(', ');

const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

/** Bytes, with the most that is allowed. */
function amountOf(amount: { readonly used: number; readonly limit?: number } | undefined): string {
  if (amount === undefined) return '-';
  const { used, limit } = amount;
  return limit === undefined ? bytes(used) : `${bytes(used)} of ${bytes(limit)}`;
}

function bytes(value: number): string {
  if (value < 1_024) return `${value} B`;
  const [size, unit] = value < 1_048_576 ? [value / 1_024, 'KB'] : [value / 1_048_576, 'MB'];
  return `${size.toFixed(size < 10 ? 1 : 0)} ${unit}`;
}
