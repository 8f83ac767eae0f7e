/** The timers and counters of a console, by their labels. */
import { format } from './format.js';
import { textOf } from './print.js';

/** Severity of a line. */
export type Level = 'debug' | 'info' | 'warn' | 'error';
/** Writes one line, or several. */
export type Write = (level: Level, text: string) => void;

/** Most labels kept for timers and counters. */
const LABELS = 256;

/** Creates the methods that count. */
export function createCounters(write: Write) {
  const counts = new Map<string, number>();
  return {
    count(label: unknown = 'default') {
      const name = textOf(label);
      const count = (counts.get(name) ?? 0) + 1;
      if (counts.size < LABELS || counts.has(name)) counts.set(name, count);
      write('info', `${name}: ${count}`);
    },
    countReset: (label: unknown = 'default') => void counts.delete(textOf(label)),
  };
}

/** Creates the methods that measure time. */
export function createTimers(write: Write) {
  const timers = new Map<string, number>();
  const lapse = (label: unknown, values: readonly unknown[], what: string) => {
    const name = textOf(label);
    const since = timers.get(name);
    if (since === undefined) write('warn', `there is no timer '${name}' to ${what}`);
    else
      write('info', format([`${name}: ${(performance.now() - since).toFixed(3)} ms`, ...values]));
    return name;
  };
  return {
    time(label: unknown = 'default') {
      const name = textOf(label);
      if (timers.has(name)) write('warn', `there is a timer '${name}' already`);
      else if (timers.size < LABELS) timers.set(name, performance.now());
    },
    timeLog: (label: unknown = 'default', ...values: unknown[]) =>
      void lapse(label, values, 'look at'),
    timeEnd: (label: unknown = 'default') => void timers.delete(lapse(label, [], 'end')),
  };
}
