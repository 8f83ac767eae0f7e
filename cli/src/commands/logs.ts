/** `plinth logs`: what the kernels of a project have logged, also while one runs. */
import { stat } from 'node:fs/promises';
import { type LogEntry, logLine } from '@plinth/host-node';
import type { CommandResult, Options, RunCommand } from '../command.js';
import { watchFile } from '../dev/watch.js';
import { type Address, addressOf } from '../operate/address.js';
import { LEVELS } from '../operate/log-entry.js';
import { remote } from '../operate/with-operator.js';
import { logFileOf, readLines } from '../project/log-file.js';
import { loadProject } from '../project/project-config.js';
import { CliError } from '../terminal/cli-error.js';
import { wholeOf } from '../terminal/numbers.js';
import { printable } from '../terminal/printable.js';
import { stopSignal } from '../terminal/stop-signal.js';
import type { Terminal } from '../terminal/terminal.js';

/** Writes the last entries, and with `--follow` those that come. */
export const run: RunCommand = async ([plugin], options, terminal) => {
  const count = options.lines === undefined ? 50 : wholeOf(options.lines, '--lines');
  const level = String(options.level ?? 'debug');
  if (!LEVELS.includes(level))
    throw new CliError('cli/usage', `--level takes ${LEVELS.join(', ')}, not '${level}'`, {
      usage: true,
    });
  const address = addressOf(options, process.env);
  if (address !== undefined) return logsAt(address, { plugin, level, count, options, terminal });
  const project = await loadProject(String(options.project ?? '.'));
  const file = logFileOf(project);
  const entriesOf = (lines: readonly string[]) =>
    lines.flatMap(entryOf).filter((entry) => isWanted(entry, plugin, level));
  const before =
    (await stat(`${file}.1`).catch(() => undefined)) && (await readLines(`${file}.1`, 0));
  const now = await readLines(file, 0);
  const entries = entriesOf([...(before?.lines ?? []), ...now.lines]).slice(-count);
  if (options.follow !== true) return shown(entries);
  const write = writer(terminal);
  for (const entry of entries) write(entry);
  let { end } = now;
  await watchFile(file, async () => {
    const more = await readLines(file, end);
    end = more.end;
    for (const entry of entriesOf(more.lines)) write(entry);
  });
  return undefined;
};

const writer = (terminal: Terminal) => (entry: LogEntry) =>
  terminal.out(terminal.json ? JSON.stringify(entry) : logLine(entry));

const shown = (entries: readonly LogEntry[]): CommandResult => ({
  data: { entries },
  text: entries.length === 0 ? 'no entries' : entries.map(logLine).join('\n'),
});

const isWanted = ({ source, level }: LogEntry, plugin: string | undefined, least: string) =>
  (plugin === undefined || source === plugin) && LEVELS.indexOf(level) >= LEVELS.indexOf(least);

/** What is wanted of the log of a kernel elsewhere. */
interface Wanted {
  readonly plugin: string | undefined;
  readonly level: string;
  readonly count: number;
  readonly options: Options;
  readonly terminal: Terminal;
}

async function logsAt(
  address: Address,
  { plugin, level, count, options, terminal }: Wanted,
): Promise<CommandResult | undefined> {
  const operator = await remote(address, terminal);
  const latest = () => operator.logs(plugin, level, count);
  if (options.follow !== true) {
    const result = shown(await latest());
    return { ...result, text: printable(result.text) };
  }
  const ended = new AbortController();
  void stopSignal().then(() => ended.abort());
  const write = writer(terminal);
  await operator.follow({
    latest,
    entry(entry) {
      if (isWanted(entry, plugin, level)) write(entry);
    },
    note: (text) => terminal.note(terminal.paint('dim', text)),
    signal: ended.signal,
  });
  return undefined;
}

/** The entry of a line. A line that is damaged is left out. */
function entryOf(line: string): readonly LogEntry[] {
  try {
    return [JSON.parse(line) as LogEntry];
  } catch {
    return [];
  }
}
