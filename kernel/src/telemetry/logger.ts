/** The kernel's log: a port for the embedder's logger, and a short history for later readers. */
import { cutText, LOG_LEVELS, type LogLevel } from '@plinth/sdk/contract';
import { contained } from '../contained.js';
import type { Redaction } from './redaction.js';

/** One entry. */
export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  /** Id of the plugin that wrote it, or `kernel`. */
  readonly source: string;
  readonly tenant: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Whether a plugin wrote it to its console. */
  readonly console?: true;
}

/**
 * Receives entries. Any logger fits in one line, including an asynchronous one. It must not fail:
 * its errors are dropped.
 */
export type LogSink = (entry: LogEntry) => unknown;

const REMEMBERED = 1_000;
const MAX_MESSAGE = 8_192;

/** The host's view of the log. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** The latest entries, oldest first; at most 1 000 are remembered. */
  recent(source?: string): readonly LogEntry[];
}

/** Collects entries and hands each to every sink. */
export class Log {
  #sinks: readonly LogSink[];
  readonly #tenant: string;
  readonly #entries: LogEntry[] = [];

  readonly #redaction: Redaction;
  /** Sinks that are running. They don't receive entries that they log themselves. */
  readonly #busy = new Set<LogSink>();

  constructor(sinks: readonly LogSink[], tenant: string, redaction: Redaction) {
    this.#sinks = [...sinks];
    this.#tenant = tenant;
    this.#redaction = redaction;
  }

  /** Call the answer to hand it no more entries. */
  addSink(sink: LogSink): () => void {
    this.#sinks = [...this.#sinks, sink];
    return () => {
      this.#sinks = this.#sinks.filter((one) => one !== sink);
    };
  }

  /** @param console whether a plugin wrote it to its console. */
  write(
    source: string,
    level: LogLevel,
    message: string,
    fields?: Readonly<Record<string, unknown>>,
    console = false,
  ): void {
    // A secret may be cut in two at the end. The first cut is therefore twice as long as the final
    // one.
    const text = cutText(
      this.#redaction.text(cutText(String(message), MAX_MESSAGE * 2)),
      MAX_MESSAGE,
    );
    const entry: LogEntry = {
      level,
      message: text,
      source,
      tenant: this.#tenant,
      time: Date.now(),
      ...(fields !== undefined && { fields: this.#redaction.value(fields) }),
      ...(console && { console }),
    };
    this.#entries.push(entry);
    if (this.#entries.length > REMEMBERED * 2) this.#entries.splice(0, REMEMBERED);
    for (const sink of this.#sinks) {
      if (this.#busy.has(sink)) continue;
      this.#busy.add(sink);
      // When the embedder's logger fails, the kernel continues.
      contained(
        () => sink(entry),
        () => {},
      );
      this.#busy.delete(sink);
    }
  }

  recent(source?: string): readonly LogEntry[] {
    const latest = this.#entries.slice(-REMEMBERED);
    return source === undefined ? latest : latest.filter((entry) => entry.source === source);
  }

  logger(source: string): Logger {
    const at = (level: LogLevel) => (message: string, fields?: Readonly<Record<string, unknown>>) =>
      this.write(source, level, message, fields);
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      recent: (of) => this.recent(of),
    };
  }
}

/** The level of an index from the wire, or `info` when it isn't one. */
export function levelAt(index: unknown): LogLevel {
  return (Number.isInteger(index) ? LOG_LEVELS[index as number] : undefined) ?? 'info';
}
