/**
 * Parses the text of a settings file into plain data. The text may be anything; the result has a
 * bounded size and holds only data.
 */
import type { PluginSettings } from '@plinth/kernel';
import {
  createError,
  type Issue,
  losesDigits,
  messageOf,
  type PluginError,
  pluginIdProblem,
} from '@plinth/sdk/contract';

/** Largest settings file, in bytes. */
export const MAX_CONFIG = 1_048_576;

/** Deepest nesting of settings. */
const MAX_DEPTH = 64;
/**
 * Values and characters that a text may expand to. No file of that size writes out so many, so only
 * repetition exceeds it.
 */
const MAX_EXPANDED = 2 * MAX_CONFIG;
/** Most problems reported at once. */
const MAX_PROBLEMS = 20;

/** A file format for settings. */
export interface Format {
  readonly name: string;
  /** Loads this format's parser only. */
  parser(): Promise<(text: string) => unknown>;
  /** Whether the parser silently accepts duplicate keys. */
  readonly hidesRepeats: boolean;
}

const json: Format = { name: 'JSON', parser: async () => JSON.parse, hidesRepeats: true };
const jsonc: Format = {
  name: 'JSON with comments',
  async parser() {
    const { parseJSONC } = await import('confbox/jsonc');
    return (text) => parseJSONC(text, { allowTrailingComma: true, ...PLAIN });
  },
  hidesRepeats: true,
};
const json5: Format = {
  name: 'JSON5',
  async parser() {
    const { parseJSON5 } = await import('confbox/json5');
    return (text) => parseJSON5(text, PLAIN);
  },
  hidesRepeats: true,
};
const yaml: Format = {
  name: 'YAML',
  async parser() {
    const { parseYAML } = await import('confbox/yaml');
    return (text) => parseYAML(text, PLAIN);
  },
  hidesRepeats: false,
};
const toml: Format = {
  name: 'TOML',
  async parser() {
    const { parseTOML } = await import('confbox/toml');
    return (text) => parseTOML(text);
  },
  hidesRepeats: false,
};

/** Nothing is written back, so the layout of the text is not kept. */
const PLAIN = { preserveIndentation: false, preserveWhitespace: false } as const;

/** By the file's extension. */
export const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['yaml', yaml],
  ['yml', yaml],
  ['json', json],
  ['jsonc', jsonc],
  ['json5', json5],
  ['toml', toml],
]);

/**
 * Parses settings from a text.
 *
 * @param path of the file, named in every error.
 * @throws PluginConfigurationError `config/invalid`.
 */
export async function parseSettings(
  text: string,
  format: Format,
  path: string,
): Promise<PluginSettings> {
  // A writer that has only begun leaves an empty file. In TOML it would mean no settings.
  if (text.trim() === '')
    throw createError('config/invalid', `${path} is empty`, { details: { path } });
  const parse = await format.parser();
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    throw await syntaxError(error, text, format, path);
  }
  const problems: Issue[] = format.hidesRepeats ? repeatedKeys(text, parse) : [];
  const settings = new Cleaner(problems, text).settings(raw, format);
  if (problems.length === 0) return settings;
  const lines = problems.map((problem) =>
    problem.path === '' ? problem.message : `${problem.path}: ${problem.message}`,
  );
  throw createError('config/invalid', `${path} does not hold settings: ${lines.join('; ')}`, {
    details: { path, problems },
  });
}

/**
 * Copies a parser's result: shared parts become separate, objects become plain, dates become texts.
 * Anything else is a problem.
 */
class Cleaner {
  readonly #problems: Issue[];
  /** The current path. */
  readonly #path: string[] = [];
  #room = MAX_EXPANDED;
  readonly #text: string;
  /** Numbers that lost digits, by their parsed value. */
  #lossy: ReadonlyMap<number, string> | undefined;

  constructor(problems: Issue[], text: string) {
    this.#problems = problems;
    this.#text = text;
  }

  settings(raw: unknown, format: Format): Record<string, Record<string, unknown>> {
    if (!isRecord(raw)) {
      this.#report(`the top is ${nameOf(raw)}, not an object of plugin ids and their settings`);
      return {};
    }
    return this.#entries(raw, (values, id) => {
      const problem = pluginIdProblem(id);
      if (problem !== undefined) return this.#report(`${problem}${similarId(id)}`);
      if (!isRecord(values))
        return this.#report(`the settings are ${nameOf(values)}, not an object`);
      if (format === toml && isSplitId(id, values))
        return this.#report(`an id with dots is written in quotes in TOML, like ["${id}.example"]`);
      return this.#object(values);
    }) as Record<string, Record<string, unknown>>;
  }

  #object(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return this.#entries(value, (one, key) =>
      key === '<<'
        ? this.#report('YAML 1.2 has no merge keys: write the settings out')
        : this.#value(one),
    );
  }

  #entries(
    from: Readonly<Record<string, unknown>>,
    copy: (value: unknown, key: string) => unknown,
  ): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const key of Object.keys(from)) {
      this.#take(key.length);
      if (this.#isOver) break;
      this.#path.push(key);
      if (UNSAFE_KEYS.has(key)) this.#report(`'${key}' is not allowed as a key`);
      else result[key] = copy(from[key], key);
      this.#path.pop();
    }
    return result;
  }

  #value(value: unknown): unknown {
    this.#take(typeof value === 'string' ? value.length + 1 : 1);
    if (this.#isOver || value === null || typeof value === 'boolean' || typeof value === 'string')
      return value;
    if (typeof value === 'number') return this.#number(value);
    if (value instanceof Date)
      return Number.isNaN(value.getTime()) ? this.#report('is not a date') : value.toISOString();
    if (this.#path.length > MAX_DEPTH)
      return this.#report(`is nested deeper than ${MAX_DEPTH} levels`);
    if (Array.isArray(value)) return this.#list(value);
    return isRecord(value)
      ? this.#object(value)
      : this.#report(`is ${nameOf(value)}, which settings can't hold`);
  }

  #number(value: number): unknown {
    if (!Number.isFinite(value))
      return this.#report(`${value} is not a number that settings can hold`);
    if (Math.abs(value) < Number.MAX_SAFE_INTEGER) return value;
    this.#lossy ??= new Map(
      [...this.#text.matchAll(/\d[\d_]{15,}(?:\.\d+)?/g)]
        .map(([token]) => token.replaceAll('_', ''))
        .filter(losesDigits)
        .map((token) => [Number(token), token]),
    );
    const written = this.#lossy.get(Math.abs(value));
    return written === undefined
      ? value
      : this.#report(
          `${written} has more digits than a number keeps: write it as a text, in quotes`,
        );
  }

  #list(from: readonly unknown[]): unknown[] {
    const result: unknown[] = [];
    for (const item of from) {
      if (this.#isOver) break;
      this.#path.push(String(result.length));
      result.push(this.#value(item));
      this.#path.pop();
    }
    return result;
  }

  /** Takes room for a value or a key. Running out is a problem and ends the copying. */
  #take(size: number): void {
    if (this.#room < 0) return;
    this.#room -= size;
    if (this.#room < 0)
      this.#report('the text repeats itself (aliases) to more than settings may hold');
  }

  get #isOver(): boolean {
    return this.#room < 0 || this.#problems.length >= MAX_PROBLEMS;
  }

  #report(message: string): undefined {
    if (this.#problems.length === MAX_PROBLEMS) return;
    const path = this.#path.length > MAX_DEPTH ? [...this.#path.slice(0, 4), '…'] : this.#path;
    this.#problems.push({
      path: path.map((key) => (key.length > MAX_KEY ? `${key.slice(0, MAX_KEY)}…` : key)).join('.'),
      message,
    });
  }
}

/** Keys that reach an object's prototype. */
const UNSAFE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
/** Characters of a key shown in a message. */
const MAX_KEY = 200;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);

function nameOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  return `a ${typeof value}`;
}

/** ` (did you mean 'com.example.notes'?)` when a text becomes an id if spelled as ids are. */
function similarId(text: string): string {
  const id = text
    .slice(0, 256)
    .trim()
    .toLowerCase()
    .replace(/@.*$/, '')
    .replace(/[/:]+/g, '.')
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[.-]+|[.-]+$/g, '')
    .replace(/[.-]*\.[.-]*/g, '.');
  return pluginIdProblem(id) === undefined ? ` (did you mean '${id}'?)` : '';
}

/**
 * In TOML `[com.example.notes]` is a table `com` that holds a table `example`, which is never
 * intended.
 */
const isSplitId = (id: string, values: Readonly<Record<string, unknown>>) =>
  /^(?:com|org|net|io|dev|app|edu|gov)$/.test(id) &&
  Object.keys(values).length > 0 &&
  Object.values(values).every(isRecord);

/**
 * Comments, strings, punctuation and bare words: the tokens of any kind of JSON that its parser has
 * accepted.
 */
const TOKEN =
  /\/\/.*|\/\*[\s\S]*?\*\/|"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'|[{}[\],:]|[^\s{}[\],:"'/]+/g;

/** Every duplicate key of an object, with the line of the second one. */
function repeatedKeys(text: string, parse: (text: string) => unknown): Issue[] {
  const problems: Issue[] = [];
  const frames: { readonly keys: Set<string> | undefined; key: string; index: number }[] = [];
  let expectsKey = false;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const top = frames.at(-1);
    if (token.startsWith('/')) continue;
    if (token === '{' || token === '[') {
      frames.push({ keys: token === '{' ? new Set() : undefined, key: '', index: 0 });
      expectsKey = token === '{';
    } else if (token === '}' || token === ']') {
      frames.pop();
      expectsKey = false;
    } else if (token === ',') {
      if (top !== undefined) top.index += 1;
      expectsKey = top?.keys !== undefined;
    } else if (expectsKey && top?.keys !== undefined) {
      expectsKey = false;
      top.key = keyOf(token, parse);
      if (top.keys.has(top.key)) {
        const path = frames
          .map((frame) => (frame.keys === undefined ? frame.index : frame.key))
          .join('.');
        problems.push({
          path,
          message: `is written twice, again in line ${placeOf(text, index).line}`,
        });
        if (problems.length === MAX_PROBLEMS) break;
      }
      top.keys.add(top.key);
    }
  }
  return problems;
}

function keyOf(token: string, parse: (text: string) => unknown): string {
  const quoted = token.startsWith('"') || token.startsWith("'");
  if (!token.includes('\\')) return quoted ? token.slice(1, -1) : token;
  return String(parse(quoted ? token : `"${token}"`));
}

interface Place {
  readonly line: number;
  readonly column: number;
}

function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) as string).length + 1 };
}

/**
 * A parser's error, without the text it quotes: a settings file may hold secrets, and errors end up
 * in logs. For the same reason the cause is a new error, not the parser's own.
 */
async function syntaxError(
  error: unknown,
  text: string,
  format: Format,
  path: string,
): Promise<PluginError> {
  const place = tellsPlace(error, text) ?? (await placeInJson(text, format));
  const reason = messageOf((error as { reason?: unknown }).reason ?? error)
    .replace(/^(?:JSON5|Invalid TOML document): /, '')
    .replace(/\n[\s\S]*$|, (?:\.\.\.)?"[\s\S]*$| (?:in JSON )?at position[\s\S]*$| at \d+:\d+$/, '')
    .slice(0, 200);
  const where = place === undefined ? '' : ` (line ${place.line}, column ${place.column})`;
  return createError('config/invalid', `${path} is not ${format.name}: ${reason}${where}`, {
    details: { path, ...place },
    cause: new SyntaxError(reason),
  });
}

/** Where a parser stopped. Each reports it in its own way. */
function tellsPlace(error: unknown, text: string): Place | undefined {
  const told = error as {
    line?: unknown;
    column?: unknown;
    lineNumber?: unknown;
    columnNumber?: unknown;
    mark?: { line?: unknown; column?: unknown };
  };
  const [line, column] =
    told.mark === undefined
      ? [told.line ?? told.lineNumber, told.column ?? told.columnNumber]
      : [Number(told.mark.line) + 1, Number(told.mark.column) + 1];
  if (typeof line === 'number' && typeof column === 'number') return { line, column };
  const offset = /at position (\d+)/.exec(messageOf(error))?.[1];
  return offset === undefined ? undefined : placeOf(text, Number(offset));
}

/** Where a text stops being valid JSON. `JSON.parse` doesn't always say; the JSON5 parser does. */
async function placeInJson(text: string, format: Format): Promise<Place | undefined> {
  if (format !== json && format !== jsonc) return undefined;
  try {
    (await json5.parser())(text);
    return undefined;
  } catch (error) {
    return tellsPlace(error, text);
  }
}
