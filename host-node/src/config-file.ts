/**
 * Plugin settings from a file. Read with care, because a person or another program may be writing
 * it.
 */

import { type BigIntStats, constants, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { PluginSettings, SettingsSource } from '@plinth/kernel';
import {
  checkOptionNames,
  createError,
  didYouMean,
  disposable,
  messageOf,
} from '@plinth/sdk/contract';
import { FORMATS, type Format, MAX_CONFIG, parseSettings } from './config-text.js';

/** Options of a settings file. */
export interface ConfigFileOptions {
  /** Whether the file may be absent, which means no settings. */
  readonly optional?: boolean;
}

/**
 * Plugin settings from a file: YAML (`.yaml`, `.yml`), JSON, JSON with comments (`.jsonc`), JSON5
 * or TOML, by the file's extension. The top level maps plugin ids to settings; in TOML an id with
 * dots is quoted, `["com.example.notes"]`. Dates become ISO 8601 texts, so that a plugin gets the
 * same from every format. What isn't data (NaN, infinities, YAML's own tags) is refused, and so is
 * what a format would silently lose: duplicate keys, YAML's merge keys.
 *
 * A file that changes while it is read is read again.
 *
 * @throws PluginConfigurationError `config/invalid` when the extension is unknown. `load()` rejects
 * with it for every problem of the file: `details` has its `path`, the `line` and `column` of a
 * syntax error, or every problem with its path in `problems`. No message quotes the file, which may
 * hold secrets.
 * @example
 * createKernel({ config: { global: configFile('./plinth.yaml') } })
 */
export function configFile(path: string, options: ConfigFileOptions = {}): SettingsSource {
  checkOptionNames('configFile', options, ['optional']);
  if (typeof path !== 'string')
    throw createError(
      'kernel/invalid-option',
      `configFile takes a path, and not ${messageOf(path)}`,
      {
        details: { option: 'path' },
      },
    );
  const name = resolve(path);
  const format = formatOf(name);
  return {
    name,
    load: () => load(name, format, options.optional === true),
    watch: (onChange) => watch(name, onChange),
  };
}

function formatOf(path: string): Format {
  const end = extname(path).slice(1).toLowerCase();
  const format = FORMATS.get(end);
  if (format !== undefined) return format;
  const known = [...FORMATS.keys()];
  throw createError(
    'config/invalid',
    `${path} ends in '.${end}'${didYouMean(end, known, [])}: settings are read from ${known.map((one) => `.${one}`).join(', ')}`,
    {
      details: { path },
    },
  );
}

/** How often a constantly changing file is read. */
const ATTEMPTS = 8;
/** Milliseconds to wait for a writer that may be active. */
const WRITER_PAUSE = 25;
/** A file written less than this many milliseconds ago may still be being written. */
const RECENT = 1_000;

async function load(path: string, format: Format, optional: boolean): Promise<PluginSettings> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const found = await read(path, optional);
    if (found === 'absent') return {};
    if (found !== 'torn') return parseSettings(decode(path, found), format, path);
  }
  throw createError('config/invalid', `${path} changes faster than it can be read`, {
    details: { path },
    retryable: true,
  });
}

/**
 * The bytes of a file; `torn` when it was written meanwhile, `absent` when it is missing and may
 * be.
 */
async function read(path: string, optional: boolean): Promise<Buffer | 'torn' | 'absent'> {
  let file: FileHandle | undefined;
  try {
    // Without O_NONBLOCK, opening a pipe without a writer would never finish.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const before = await file.stat({ bigint: true });
    if (!before.isFile())
      throw createError(
        'config/invalid',
        `${path} is ${before.isDirectory() ? 'a folder' : 'not a file'}`,
        { details: { path } },
      );
    if (before.size > MAX_CONFIG) throw tooLarge(path);
    const bytes = await readUpTo(file, MAX_CONFIG + 1);
    // Half of a YAML or TOML file is usually valid, so only waiting can tell. A replaced file stays
    // as it is here.
    if (Math.abs(Date.now() - Number(before.mtimeMs)) < RECENT) await wait(WRITER_PAUSE);
    if (stateOf(before) !== stateOf(await file.stat({ bigint: true }))) return 'torn';
    // System files don't report their size in advance.
    if (bytes.length > MAX_CONFIG) throw tooLarge(path);
    return bytes;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'config/invalid') throw cause;
    if (code === 'ENOENT' && optional) return 'absent';
    throw createError(
      'config/invalid',
      code === 'ENOENT' ? `${path} does not exist` : `cannot read ${path}: ${messageOf(cause)}`,
      { details: { path }, cause },
    );
  } finally {
    await file?.close();
  }
}

const tooLarge = (path: string) =>
  createError('config/invalid', `${path} has more than ${MAX_CONFIG} bytes`, { details: { path } });

/** Reads from the start to the end or the limit. It doesn't follow a file that grows meanwhile. */
async function readUpTo(file: FileHandle, limit: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(limit);
  let length = 0;
  while (length < limit) {
    const { bytesRead } = await file.read(buffer, length, limit - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

/** Differs when a file has other contents. */
const stateOf = ({ dev, ino, size, mtimeNs }: BigIntStats) => `${dev}:${ino}:${size}:${mtimeNs}`;

/** The text of a file, without a byte order mark. */
function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw createError('config/invalid', `${path} is not UTF-8`, { details: { path }, cause });
  }
}

/** Milliseconds within which several changes are reported once. */
const COALESCE = 50;
/** Milliseconds between checks of a file that the system can't watch. */
const POLL = 1_000;

/**
 * Watches a file that may be replaced, removed and created again. It never keeps the process alive.
 */
function watch(path: string, onChange: () => void): Disposable & { dispose(): void } {
  // Changes from here on are reported, even those before the watchers exist.
  const before = stateNow(path);
  let timer: NodeJS.Timeout | undefined;
  let disposed = false;
  const undo: (() => void)[] = [() => clearTimeout(timer)];
  const tell = () => {
    if (disposed) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      onChange();
    }, COALESCE);
  };

  const start = async () => {
    const chokidar = await import('chokidar');
    if (disposed) return;
    // Kubernetes replaces neither the file nor its link, but the link `..data` in its path.
    const watchers = [
      chokidar.watch(path, WATCH),
      chokidar.watch(join(dirname(path), '..data'), { ...WATCH, followSymlinks: false }),
    ];
    let waiting = watchers.length;
    for (const watcher of watchers) {
      undo.push(() => void watcher.close());
      watcher.on('all', tell);
      watcher.on('error', poll);
      watcher.on('ready', () => {
        waiting -= 1;
        if (waiting === 0 && stateNow(path) !== before) tell();
      });
    }
  };

  /** The system has no watches left, so the file is polled. */
  let polling: NodeJS.Timeout | undefined;
  const poll = () => {
    if (polling !== undefined || disposed) return;
    let last = before;
    const look = () => {
      const now = stateNow(path);
      if (now !== last) tell();
      last = now;
    };
    polling = setInterval(look, POLL).unref();
    undo.push(() => clearInterval(polling));
    look();
  };

  start().catch(poll);
  return disposable(() => {
    disposed = true;
    for (const one of undo) one();
  });
}

const WATCH = { ignoreInitial: true, persistent: false } as const;

/** The state of a file; undefined when it doesn't exist. */
function stateNow(path: string): string | undefined {
  try {
    return stateOf(statSync(path, { bigint: true }));
  } catch {
    return undefined;
  }
}
