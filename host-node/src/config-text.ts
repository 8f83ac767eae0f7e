/** The text of a file of settings → plain data. The text may be anything: what it becomes has a bounded size and holds only data. */
import type { PluginSettings } from '@plinth/kernel';
import { createError, type Issue, messageOf, type PluginError, pluginIdProblem } from '@plinth/sdk/contract';

/** Largest file of settings, in bytes. */
export const MAX_CONFIG = 1_048_576;

/** Deepest nesting of settings. */
const MAX_DEPTH = 64;
/** Values and characters that a text may become: more than any file of that size writes out, so only repetition reaches it. */
const MAX_EXPANDED = 2 * MAX_CONFIG;
/** Problems that are reported at once. */
const MAX_PROBLEMS = 20;

/** A way to write settings. */
export interface Format {
  readonly name: string;
  /** Loads its parser, and only this one. */
  parser(): Promise<(text: string) => unknown>;
  /** Whether the parser takes keys that are written twice without a word. */
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

/** Nothing is written back, so nothing about the looks of the text is kept. */
const PLAIN = { preserveIndentation: false, preserveWhitespace: false } as const;

/** By the end of a file's name. */
export const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['yaml', yaml],
  ['yml', yaml],
  ['json', json],
  ['jsonc', jsonc],
  ['json5', json5],
  ['toml', toml],
]);

/**
 * Reads settings from a text.
 *
 * @param path of the file, named in every error.
 * @throws PluginConfigurationError `config/invalid`.
 */
export async function parseSettings(text: string, format: Format, path: string): Promise<PluginSettings> {
  // What a writer leaves that has only begun: in TOML it would pass for no settings at all.
  if (text.trim() === '') throw createError('config/invalid', `${path} is empty`, { details: { path } });
  const parse = await format.parser();
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    throw await syntaxError(error, text, format, path);
  }
  const problems: Issue[] = format.hidesRepeats ? repeatedKeys(text, parse) : [];
  const settings = new Cleaner(problems).settings(raw, format);
  if (problems.length === 0) return settings;
  const lines = problems.map((problem) => (problem.path === '' ? problem.message : `${problem.path}: ${problem.message}`));
  throw createError('config/invalid', `${path} does not hold settings: ${lines.join('; ')}`, { details: { path, problems } });
}

/** Copies what a parser made: shared parts become separate, objects ordinary ones, dates texts. Anything else is a problem. */
class Cleaner {
  readonly #problems: Issue[];
  /** Where the copying is. */
  readonly #path: string[] = [];
  #room = MAX_EXPANDED;

  constructor(problems: Issue[]) {
    this.#problems = problems;
  }

  settings(raw: unknown, format: Format): Record<string, Record<string, unknown>> {
    if (!isRecord(raw)) {
      this.#report(`the top is ${nameOf(raw)}, not an object of plugin ids and their settings`);
      return {};
    }
    return this.#entries(raw, (values, id) => {
      const problem = pluginIdProblem(id);
      if (problem !== undefined) return this.#report(`${problem}${similarId(id)}`);
      if (!isRecord(values)) return this.#report(`the settings are ${nameOf(values)}, not an object`);
      if (format === toml && isSplitId(id, values)) return this.#report(`an id with dots is written in quotes in TOML, like ["${id}.example"]`);
      return this.#object(values);
    }) as Record<string, Record<string, unknown>>;
  }

  #object(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return this.#entries(value, (one, key) => (key === '<<' ? this.#report('YAML 1.2 has no merge keys: write the settings out') : this.#value(one)));
  }

  #entries(from: Readonly<Record<string, unknown>>, copy: (value: unknown, key: string) => unknown): Record<string, unknown> {
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
    if (this.#isOver || value === null || typeof value === 'boolean' || typeof value === 'string') return value;
    if (typeof value === 'number') return Number.isFinite(value) ? value : this.#report(`${value} is not a number that settings can hold`);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? this.#report('is not a date') : value.toISOString();
    if (this.#path.length > MAX_DEPTH) return this.#report(`is nested deeper than ${MAX_DEPTH} levels`);
    if (Array.isArray(value)) return this.#list(value);
    return isRecord(value) ? this.#object(value) : this.#report(`is ${nameOf(value)}, which settings can't hold`);
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

  /** Takes room for a value or a key; that none is left is a problem, and ends the copying. */
  #take(size: number): void {
    if (this.#room < 0) return;
    this.#room -= size;
    if (this.#room < 0) this.#report('the text repeats itself (aliases) to more than settings may hold');
  }

  get #isOver(): boolean {
    return this.#room < 0 || this.#problems.length >= MAX_PROBLEMS;
  }

  #report(message: string): undefined {
    if (this.#problems.length === MAX_PROBLEMS) return;
    const path = this.#path.length > MAX_DEPTH ? [...this.#path.slice(0, 4), '…'] : this.#path;
    this.#problems.push({ path: path.map((key) => (key.length > MAX_KEY ? `${key.slice(0, MAX_KEY)}…` : key)).join('.'), message });
  }
}

/** Keys that reach an object's prototype. */
const UNSAFE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
/** Characters of a key that a message shows. */
const MAX_KEY = 200;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);

function nameOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  return `a ${typeof value}`;
}

/** ` (did you mean 'com.example.notes'?)` when a text becomes an id by being written the way ids are. */
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

/** `[com.example.notes]` in TOML is a table `com` that holds a table `example`: never meant that way. */
const isSplitId = (id: string, values: Readonly<Record<string, unknown>>) =>
  /^(?:com|org|net|io|dev|app|edu|gov)$/.test(id) && Object.keys(values).length > 0 && Object.values(values).every(isRecord);

/** Comments, texts, marks, and bare words: what a text in any kind of JSON is made of that its parser has taken. */
const TOKEN = /\/\/.*|\/\*[\s\S]*?\*\/|"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'|[{}[\],:]|[^\s{}[\],:"'/]+/g;

/** Every key that an object holds twice, with the line of the second. */
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
        const path = frames.map((frame) => (frame.keys === undefined ? frame.index : frame.key)).join('.');
        problems.push({ path, message: `is written twice, again in line ${placeOf(text, index).line}` });
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
 * What a parser has to say, without the piece of the text that it quotes: a file of settings may hold secrets, and errors
 * end up in logs. For the same reason its own error isn't the cause, but one that says the same.
 */
async function syntaxError(error: unknown, text: string, format: Format, path: string): Promise<PluginError> {
  const place = tellsPlace(error, text) ?? (await placeInJson(text, format));
  const reason = messageOf((error as { reason?: unknown }).reason ?? error)
    .replace(/^(?:JSON5|Invalid TOML document): /, '')
    .replace(/\n[\s\S]*$|, (?:\.\.\.)?"[\s\S]*$| (?:in JSON )?at position[\s\S]*$| at \d+:\d+$/, '')
    .slice(0, 200);
  const where = place === undefined ? '' : ` (line ${place.line}, column ${place.column})`;
  return createError('config/invalid', `${path} is not ${format.name}: ${reason}${where}`, { details: { path, ...place }, cause: new SyntaxError(reason) });
}

/** Where a parser stopped; each has its own way to tell. */
function tellsPlace(error: unknown, text: string): Place | undefined {
  const told = error as { line?: unknown; column?: unknown; lineNumber?: unknown; columnNumber?: unknown; mark?: { line?: unknown; column?: unknown } };
  const [line, column] = told.mark === undefined ? [told.line ?? told.lineNumber, told.column ?? told.columnNumber] : [Number(told.mark.line) + 1, Number(told.mark.column) + 1];
  if (typeof line === 'number' && typeof column === 'number') return { line, column };
  const offset = /at position (\d+)/.exec(messageOf(error))?.[1];
  return offset === undefined ? undefined : placeOf(text, Number(offset));
}

/** Where a text stops being JSON: `JSON.parse` doesn't always say, the parser of JSON5 does. */
async function placeInJson(text: string, format: Format): Promise<Place | undefined> {
  if (format !== json && format !== jsonc) return undefined;
  try {
    (await json5.parser())(text);
    return undefined;
  } catch (error) {
    return tellsPlace(error, text);
  }
}
