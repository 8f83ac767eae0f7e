/** `plinth logs`: what the kernels of a project have logged, also while one runs. */
import { stat } from 'node:fs/promises';
import { type LogEntry, logLine } from '@plinth/host-node';
import type { CommandResult, Options, RunCommand } from '../command.js';
import { watchFile } from '../dev/watch.js';
import { type Address, addressOf } from '../operate/address.js';
import { remote } from '../operate/with-operator.js';
import { logFileOf, readLines } from '../project/log-file.js';
import { loadProject } from '../project/project-config.js';
import { CliError } from '../terminal/cli-error.js';
import { wholeOf } from '../terminal/numbers.js';
import { printable } from '../terminal/printable.js';
import type { Terminal } from '../terminal/terminal.js';

const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error'];

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
  const wanted = ({ source, level: one }: LogEntry) =>
    (plugin === undefined || source === plugin) && LEVELS.indexOf(one) >= LEVELS.indexOf(level);
  const entriesOf = (lines: readonly string[]) => lines.flatMap(entryOf).filter(wanted);
  const before =
    (await stat(`${file}.1`).catch(() => undefined)) && (await readLines(`${file}.1`, 0));
  const now = await readLines(file, 0);
  const entries = entriesOf([...(before?.lines ?? []), ...now.lines]).slice(-count);
  if (options.follow !== true) return shown(entries);
  const write = (entry: LogEntry) =>
    terminal.out(terminal.json ? JSON.stringify(entry) : logLine(entry));
  for (const entry of entries) write(entry);
  let { end } = now;
  await watchFile(file, async () => {
    const more = await readLines(file, end);
    end = more.end;
    for (const entry of entriesOf(more.lines)) write(entry);
  });
  return undefined;
};

const shown = (entries: readonly LogEntry[]): CommandResult => ({
  data: { entries },
  text: entries.length === 0 ? 'no entries' : entries.map(logLine).join('\n'),
});

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
): Promise<CommandResult> {
  if (options.follow === true)
    throw new CliError('cli/usage', '--follow reads the log of a project, not one of --url', {
      usage: true,
      cure: 'Leave one of them out.',
    });
  const operator = await remote(address, terminal);
  const result = shown(await operator.logs(plugin, level, count));
  return { ...result, text: printable(result.text) };
}

/** The entry of a line. A line that is damaged is left out. */
function entryOf(line: string): readonly LogEntry[] {
  try {
    return [JSON.parse(line) as LogEntry];
  } catch {
    return [];
  }
}
