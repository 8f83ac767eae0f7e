/** `plinth logs`: what the kernels of a project have logged, also while one runs. */
import { stat } from 'node:fs/promises';
import { type LogEntry, logLine } from '@plinth/host-node';
import type { RunCommand } from '../command.js';
import { watchFile } from '../dev/watch.js';
import { logFileOf, readLines } from '../project/log-file.js';
import { loadProject } from '../project/project-config.js';
import { CliError } from '../terminal/cli-error.js';
import { wholeOf } from '../terminal/numbers.js';

const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error'];

/** Writes the last entries, and with `--follow` those that come. */
export const run: RunCommand = async ([plugin], options, terminal) => {
  const project = await loadProject(String(options.project ?? '.'));
  const file = logFileOf(project);
  const count = options.lines === undefined ? 50 : wholeOf(options.lines, '--lines');
  const level = String(options.level ?? 'debug');
  if (!LEVELS.includes(level))
    throw new CliError('cli/usage', `--level takes ${LEVELS.join(', ')}, not '${level}'`, {
      usage: true,
    });
  const wanted = ({ source, level: one }: LogEntry) =>
    (plugin === undefined || source === plugin) && LEVELS.indexOf(one) >= LEVELS.indexOf(level);
  const entriesOf = (lines: readonly string[]) => lines.flatMap(entryOf).filter(wanted);
  const before =
    (await stat(`${file}.1`).catch(() => undefined)) && (await readLines(`${file}.1`, 0));
  const now = await readLines(file, 0);
  const entries = entriesOf([...(before?.lines ?? []), ...now.lines]).slice(-count);
  if (options.follow !== true)
    return {
      data: { entries },
      text: entries.length === 0 ? 'no entries' : entries.map(logLine).join('\n'),
    };
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

/** The entry of a line. A line that is damaged is left out. */
function entryOf(line: string): readonly LogEntry[] {
  try {
    return [JSON.parse(line) as LogEntry];
  } catch {
    return [];
  }
}
