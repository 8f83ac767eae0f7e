/**
 * Source maps of bundles, read when the first error of a plugin is shown. A map is data of the
 * plugin, so its size is bounded. It is scanned in slices with pauses between them, and never
 * parsed as a whole. A look-up takes a bounded number of steps. Invalid data counts as no map.
 */

/** A place in the sources. Line and column count from 1. */
export interface Position {
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

/** Finds the place in the sources for a place in the bundle. */
export interface SourceIndex {
  /** Line and column count from 1. */
  find(line: number, column: number): Position | undefined;
}

/** Lets the event loop take a turn. */
export type Pause = () => Promise<void>;

/** Largest map, in characters. */
export const MAX_MAP = 8_388_608;
/** Largest mappings in it, in characters. */
const MAX_MAPPINGS = 4_194_304;
/** Largest list of sources, in characters. */
const MAX_SOURCES = 262_144;
/** Milliseconds of work between two pauses. */
const SLICE = 4;
/** Steps between two looks at the clock. */
const STEPS = 2_048;
/** Characters of mappings between two places at which a look-up can start. */
const STRIDE = 4_096;

/** Reads a map. Undefined when it is invalid or too large. */
export async function indexSourceMap(text: string, pause: Pause): Promise<SourceIndex | undefined> {
  if (text.length > MAX_MAP) return undefined;
  try {
    const parts = await membersOf(text, pause);
    const [mappings, sources, root] = [
      parts.get('mappings'),
      parts.get('sources'),
      parts.get('sourceRoot'),
    ];
    if (
      mappings === undefined ||
      sources === undefined ||
      sources.length > MAX_SOURCES ||
      (root?.length ?? 0) > 4_096
    )
      return undefined;
    if (mappings.length > MAX_MAPPINGS || !mappings.startsWith('"') || mappings.includes('\\'))
      return undefined;
    const [names, folder] = [
      JSON.parse(sources) as unknown,
      root === undefined ? '' : (JSON.parse(root) as unknown),
    ];
    if (!Array.isArray(names)) return undefined;
    const index = new MappingIndex(
      copyOf(mappings.slice(1, -1)),
      names.map((name) => nameOf(typeof folder === 'string' ? folder : '', name)),
    );
    await index.open(pause);
    return index;
  } catch {
    return undefined;
  }
}

/** An independent copy of a text. A slice would keep the whole original text in memory. */
function copyOf(text: string): string {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += 65_536) pieces.push(text.slice(at, at + 65_536));
  return pieces.join('');
}

/** The readable name of a source: relative to the project, without a bundler's prefix. */
function nameOf(root: string, source: unknown): string {
  const whole =
    typeof source === 'string'
      ? `${root === '' || root.endsWith('/') ? root : `${root}/`}${source}`
      : '(unknown)';
  const name = whole.slice(0, 512).replace(/^[a-z][a-z0-9+.-]*:\/\/\/?/i, '');
  return name.replace(/^(?:\.{0,2}\/)+/, '').replaceAll(/[^\x21-\x7e\u00a1-\u1fff]|[()]/g, '_');
}

/** Decides when a pause is due. */
class Breath {
  readonly #pause: Pause;
  #steps = 0;
  #since = performance.now();

  constructor(pause: Pause) {
    this.#pause = pause;
  }

  step(): Promise<void> | undefined {
    this.#steps += 1;
    if (this.#steps % STEPS !== 0 || performance.now() - this.#since < SLICE) return undefined;
    return this.#pause().then(() => {
      this.#since = performance.now();
    });
  }
}

/**
 * The members of the outermost object of a JSON text, each as its own text. Nothing else of the
 * text is read.
 */
async function membersOf(text: string, pause: Pause): Promise<ReadonlyMap<string, string>> {
  const members = new Map<string, string>();
  const breath = new Breath(pause);
  let at = text.search(/\S/);
  if (text.charAt(at) !== '{') throw new SyntaxError('not an object');
  at += 1;
  let depth = 1;
  let key: string | undefined;
  let start = -1;
  const end = (to: number) => {
    if (key !== undefined && start !== -1 && members.size < 64)
      members.set(key, text.slice(start, to).trim());
    key = undefined;
    start = -1;
  };
  while (at < text.length) {
    const rest = breath.step();
    if (rest !== undefined) await rest;
    const character = text.charAt(at);
    if (character === '"') {
      const close = stringEnd(text, at);
      if (depth === 1 && key === undefined) key = close - at > 64 ? '' : text.slice(at + 1, close);
      at = close + 1;
    } else {
      if (character === ':' && depth === 1 && start === -1) start = at + 1;
      else if (character === '{' || character === '[') depth += 1;
      else if (character === '}' || character === ']') {
        depth -= 1;
        if (depth === 0) {
          end(at);
          return members;
        }
      } else if (character === ',' && depth === 1) end(at);
      at += 1;
    }
  }
  throw new SyntaxError('it ends too early');
}

/** The end of a string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charAt(at - 1 - slashes) === '\\') slashes += 1;
    if (slashes % 2 === 0) return at;
  }
  throw new SyntaxError('a string without an end');
}

const DIGITS = new Int8Array(128).fill(-1);
for (const [value, digit] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
].entries())
  DIGITS[digit.charCodeAt(0)] = value;

const [COMMA, SEMICOLON] = [44, 59];

/** A place in the mappings, with all values that add up to it. */
class Cursor {
  at = 0;
  line = 0;
  column = 0;
  source = 0;
  sourceLine = 0;
  sourceColumn = 0;
  /** Whether the last segment has a source. */
  known = false;

  copy(): Cursor {
    return Object.assign(new Cursor(), this);
  }

  /** Reads one segment or line end. Returns false at the end, or where the mappings are invalid. */
  next(mappings: string): boolean {
    const code = mappings.charCodeAt(this.at);
    if (code === SEMICOLON) {
      this.at += 1;
      this.line += 1;
      this.column = 0;
      this.known = false;
      return true;
    }
    if (code === COMMA) {
      this.at += 1;
      return true;
    }
    let fields = 0;
    for (; fields < 5; fields++) {
      const end = mappings.charCodeAt(this.at);
      if (Number.isNaN(end) || end === COMMA || end === SEMICOLON) break;
      const value = this.#number(mappings);
      if (value === undefined) return false;
      if (fields === 0) this.column += value;
      else if (fields === 1) this.source += value;
      else if (fields === 2) this.sourceLine += value;
      else if (fields === 3) this.sourceColumn += value;
    }
    this.known = fields >= 4;
    return fields > 0;
  }

  #number(mappings: string): number | undefined {
    let value = 0;
    for (let shift = 0; shift <= 30; shift += 5) {
      const digit = DIGITS[mappings.charCodeAt(this.at)] ?? -1;
      if (digit === -1) return undefined;
      this.at += 1;
      value += (digit & 31) * 2 ** shift;
      if ((digit & 32) === 0) return value % 2 === 1 ? -Math.floor(value / 2) : value / 2;
    }
    return undefined;
  }
}

class MappingIndex implements SourceIndex {
  readonly #mappings: string;
  readonly #sources: readonly string[];
  /** The places where look-ups start. */
  readonly #starts: Cursor[] = [];

  constructor(mappings: string, sources: readonly string[]) {
    this.#mappings = mappings;
    this.#sources = sources;
  }

  async open(pause: Pause): Promise<void> {
    const breath = new Breath(pause);
    const cursor = new Cursor();
    this.#starts.push(cursor.copy());
    let next = STRIDE;
    while (cursor.next(this.#mappings)) {
      const rest = breath.step();
      if (rest !== undefined) await rest;
      if (cursor.at < next) continue;
      this.#starts.push(cursor.copy());
      next = cursor.at + STRIDE;
    }
  }

  find(line: number, column: number): Position | undefined {
    const [wantedLine, wantedColumn] = [line - 1, column - 1];
    const before = ({ line: at, column: from }: Cursor) =>
      at < wantedLine || (at === wantedLine && from <= wantedColumn);
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (before(this.#starts[middle] as Cursor)) low = middle;
      else high = middle - 1;
    }
    const cursor = (this.#starts[low] as Cursor).copy();
    let found: Position | undefined;
    // A line that begins far before its end may have a start behind the wanted place.
    for (let steps = 0; steps < 2 * STRIDE && before(cursor); steps++) {
      if (cursor.line === wantedLine && cursor.known)
        found = {
          source: this.#sources[cursor.source] ?? '(unknown)',
          line: cursor.sourceLine + 1,
          column: cursor.sourceColumn + 1,
        };
      if (!cursor.next(this.#mappings)) break;
    }
    return found;
  }
}
