/**
 * How errors of a guest are shown. Their stacks name places in the plugin's sources, and a hint
 * names what to use instead of something that isn't available. The cost is bounded in size and
 * rate. Nothing is read before the first error.
 */
import type { Manifest } from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import { formatOf, hintFor, importOf, isNameless } from '../telemetry/hints.js';
import type { SourceIndex } from '../telemetry/source-map.js';

/** A bundle as its guest runs it. */
export interface Bundle {
  readonly package: PluginPackage;
  /** Its original text. */
  readonly code: string;
  /** Lines that precede it in what the guest runs. */
  readonly offset: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** A text with places in the sources, the first of these places, and its place in the bundle. */
interface Placed {
  readonly text: string;
  readonly first: string | undefined;
  readonly line: number;
  readonly column: number;
}

/** Most errors within a second that are shown this way. The rest stays as it is. */
const MAX_RATE = 64;
/** Most milliseconds that the first error waits for the sources. */
const PATIENCE = 2_000;
/** Most errors of a chain that are examined. */
const MAX_CHAIN = 16;
/** Largest bundle, in characters, that is searched for a syntax error. */
const MAX_PARSED = 500_000;

/** Owns what is known about one guest's bundle. */
export class ErrorView {
  readonly #manifest: Manifest;
  readonly #defer: (task: () => void) => void;
  #bundle: Bundle | undefined;
  /** Whether everything that can be known about its sources is known. */
  #opened = false;
  #index: SourceIndex | undefined;
  #opening: Promise<void> | undefined;
  /** The lines that wait for the sources, and later lines. */
  #lines: Promise<void> | undefined;
  #since = 0;
  #shown = 0;

  constructor(manifest: Manifest, defer: (task: () => void) => void) {
    this.#manifest = manifest;
    this.#defer = defer;
  }

  /** Sets what the guest is about to run. */
  set bundle(bundle: Bundle | undefined) {
    this.#bundle = bundle;
    this.#opened = bundle?.code.includes('sourceMappingURL=') !== true;
  }

  /**
   * Changes an error in place. Answers a promise when this takes a moment. The promise never
   * rejects.
   */
  show(error: unknown): Promise<void> | undefined {
    if (!(error instanceof Error) || !this.#mayShow()) return undefined;
    if (!this.#opened) return this.#within(this.#open().then(() => this.#show(error)));
    return this.#show(error);
  }

  /**
   * Writes a line of the guest's log. Stacks in it get their places in the sources. Lines keep
   * their order.
   */
  log(
    message: string,
    fields: Fields | undefined,
    write: (message: string, fields: Fields | undefined) => void,
  ): void {
    const stack = typeof fields?.stack === 'string' ? fields.stack : undefined;
    const shown = (message.includes(MARK) || stack?.includes(MARK) === true) && this.#mayShow();
    const go = () => {
      if (!shown) write(message, fields);
      else if (stack === undefined) write(this.#placed(message).text, fields);
      else write(this.#hinted(message, stack), { ...fields, stack: this.#placed(stack).text });
    };
    if (this.#lines === undefined && (!shown || this.#opened)) return go();
    const lines = (this.#lines ?? this.#within(this.#open())).then(go);
    this.#lines = lines;
    void lines.then(() => {
      if (this.#lines === lines) this.#lines = undefined;
    });
  }

  /** A line about an error whose stack begins with the error's name. */
  #hinted(message: string, stack: string): string {
    const [, name = '', text = ''] = /^(\w{1,64}): (.{1,1024})/.exec(stack) ?? [];
    const better =
      text === '' || !message.endsWith(text)
        ? undefined
        : this.#better({ name, message: text, code: undefined }, this.#placed(stack));
    return better === undefined ? message : message.slice(0, message.length - text.length) + better;
  }

  #mayShow(): boolean {
    const now = performance.now();
    if (now - this.#since > 1_000) [this.#since, this.#shown] = [now, 0];
    this.#shown += 1;
    return this.#shown <= MAX_RATE;
  }

  /** Never rejects: a broken map must not replace the error that a caller waits for. */
  #within(work: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PATIENCE);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      work.then(done, done);
    });
  }

  #open(): Promise<void> {
    this.#opening ??= (async () => {
      try {
        if (this.#bundle !== undefined) this.#index = await this.#read(this.#bundle);
      } catch {
        // A map that is missing or invalid is treated as no map.
      }
      this.#opened = true;
    })();
    return this.#opening;
  }

  async #read({ package: found, code }: Bundle): Promise<SourceIndex | undefined> {
    const { findSourceMap } = await import('../sources/find-source-map.js');
    const { indexSourceMap } = await import('../telemetry/source-map.js');
    const pause = () => new Promise<void>((resolve) => this.#defer(resolve));
    const text = await findSourceMap(found, this.#manifest.main, code, pause);
    return text === undefined ? undefined : indexSourceMap(text, pause);
  }

  #show(error: Error): Promise<void> | undefined {
    const chain: Error[] = [];
    collect(error, chain);
    this.#shown += chain.length - 1;
    for (const one of chain.reverse()) this.#clarify(one, chain);
    const code = this.#bundle?.code;
    if ((error as { code?: unknown }).code !== 'plugin/load-failed' || code === undefined)
      return undefined;
    const format = () => {
      const found = formatOf(code, this.#manifest.main);
      if (found !== undefined) reword([error], error.message, `${error.message}; ${found}`);
    };
    const syntax = chain.find((one) => one.name === 'SyntaxError');
    if (syntax !== undefined && code.length <= MAX_PARSED)
      return this.#place(syntax, chain, code).then(format);
    format();
    return undefined;
  }

  #clarify(error: Error, chain: readonly Error[]): void {
    const { stack } = error;
    const shown = typeof stack === 'string' ? this.#placed(stack) : undefined;
    if (shown !== undefined && shown.text !== stack) define(error, 'stack', shown.text);
    const message = String(error.message);
    const better = this.#better(
      { name: error.name, message, code: (error as { code?: unknown }).code },
      shown,
    );
    if (better !== undefined) reword(chain, message, better);
  }

  /** What an engine's message means for an author. Undefined where the message is clear. */
  #better(
    facts: { readonly name: string; readonly message: string; readonly code: unknown },
    shown: Placed | undefined,
  ): string | undefined {
    const imported = importOf(facts);
    const before =
      isNameless(facts.message) && shown?.first !== undefined
        ? this.#before(shown.line, shown.column)
        : '';
    const hint = imported === undefined ? hintFor(facts, before) : undefined;
    if (imported === undefined && hint === undefined) return undefined;
    return `${imported ?? facts.message}${shown?.first === undefined ? '' : ` (${shown.first})`}${hint === undefined ? '' : `: ${hint}`}`;
  }

  /** The text before a place of the bundle, in its line. */
  #before(line: number, column: number): string {
    const code = this.#bundle?.code ?? '';
    let start = 0;
    for (let at = 1; at < line; at++) {
      start = code.indexOf('\n', start) + 1;
      if (start === 0) return '';
    }
    return code.slice(Math.max(start, start + column - 1 - 64), start + column - 1);
  }

  /** Names the place where a bundle doesn't parse. Engines don't report it. */
  async #place(error: Error, chain: readonly Error[], code: string): Promise<void> {
    try {
      const { Parser } = await import('acorn');
      Parser.parse(code, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true });
    } catch (thrown) {
      const { line, column } = (thrown as { loc?: { line: number; column: number } }).loc ?? {};
      if (line === undefined || column === undefined) return;
      const source = this.#index?.find(line, column + 1);
      const text = String(error.message);
      reword(
        chain,
        text,
        `${text} (line ${line}, column ${column + 1}${source === undefined ? '' : `, ${source.source}:${source.line}:${source.column}`})`,
      );
    }
  }

  /** A text whose places are those in the sources, and the first of them. */
  #placed(text: string): Placed {
    const { id, version, main } = this.#manifest;
    const offset = this.#bundle?.offset ?? 0;
    let first: string | undefined;
    let [firstLine, firstColumn] = [0, 0];
    const placed = text.replace(
      FRAME,
      (frame, owner: string, launch: string, line: string, column: string) => {
        if (owner !== `${id}@${version}` && owner !== 'bundle') return frame;
        const at = Number(line) - offset;
        const found = this.#index?.find(at, Number(column));
        const place =
          found === undefined
            ? `${main}:${at}:${column}`
            : `${found.source}:${found.line}:${found.column}`;
        if (first === undefined) [first, firstLine, firstColumn] = [place, at, Number(column)];
        return found === undefined
          ? `plinth:${id}@${version}/plugin.js${launch}:${at}:${column}`
          : place;
      },
    );
    return { text: placed, first, line: firstLine, column: firstColumn };
  }
}

const MARK = 'plinth:';
/** A place in a bundle, under the name that guests evaluate it by. */
const FRAME = /plinth:([^\s()?/]{1,300})\/plugin\.js(\?\d{1,9}):(\d{1,9}):(\d{1,9})/g;

function collect(error: Error, chain: Error[]): void {
  if (chain.length >= MAX_CHAIN || chain.includes(error)) return;
  chain.push(error);
  if (error.cause instanceof Error) collect(error.cause, chain);
  if (error instanceof AggregateError)
    for (const one of error.errors) if (one instanceof Error) collect(one, chain);
}

/** Replaces a text in an error and in the errors that it caused, which repeat the text. */
function reword(chain: readonly Error[], before: string, after: string): void {
  if (before === '') return;
  for (const error of chain) {
    const { message, stack } = error;
    if (!message.endsWith(before)) continue;
    const next = message.slice(0, message.length - before.length) + after;
    if (typeof stack === 'string' && stack.includes(message))
      define(
        error,
        'stack',
        stack.replace(message, () => next),
      );
    define(error, 'message', next);
  }
}

function define(error: Error, key: 'message' | 'stack', value: string): void {
  Object.defineProperty(error, key, {
    value,
    enumerable: false,
    configurable: true,
    writable: true,
  });
}
