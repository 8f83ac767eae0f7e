/**
 * Converts a bundle, one ES module that imports nothing, to the text of an async function that
 * fills `$exports`, because hardened JavaScript has no modules. Hardened JavaScript also refuses
 * every text in which `import(`, a direct `eval(` or an HTML-like comment might be code, even where
 * it isn't. So comments, strings and regular expressions with such text are rewritten in an
 * equivalent spelling.
 */
import jsTokens, { type Token } from 'js-tokens';
import { createError } from '../contract/error-codes.js';

/**
 * Makes the functor: `async ($exports) => { … }`, as an expression. Only the default export is
 * kept. Two differences remain: the raw text of a tagged template and the source of a function or
 * regular expression may be spelled differently (`impor\x74(` for `import(`); and an unnamed
 * default export is not called `default`. The bundle begins with the second line.
 *
 * @param name the plugin and file, for messages.
 * @throws PluginLifecycleError `plugin/load-failed` for what can't be a plugin's bundle: imports,
 * re-exports, `import()`, `import.meta`.
 */
export function toFunctor(code: string, name: string): string {
  const work = functorOf(code, name);
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}

/** Milliseconds for which one slice may block the thread. */
const SLICE = 8;

/**
 * As {@link toFunctor}, in slices of eight milliseconds: a bundle may be large, and the thread
 * belongs to the host.
 *
 * @param pause settles after other tasks have run.
 */
export async function toFunctorInSlices(
  code: string,
  name: string,
  pause: () => Promise<void>,
): Promise<string> {
  const work = functorOf(code, name);
  let since = performance.now();
  for (let step = work.next(); ; step = work.next()) {
    if (step.done === true) return step.value;
    if (performance.now() - since < SLICE) continue;
    await pause();
    since = performance.now();
  }
}

/** Tokens processed in one step. */
const STEP = 256;

/** Makes a functor step by step. */
function* functorOf(code: string, name: string): Generator<undefined, string, undefined> {
  const out: string[] = [];
  const tokens = yield* tokensOf(code);
  const target = `${freeName(code, '$exports')}.default`;
  const anonymous = freeName(code, '$default');
  const refuse = (what: string) =>
    createError(
      'plugin/load-failed',
      `cannot load ${name}: ${what}; bundle the plugin into one file that imports nothing`,
      { details: { file: name } },
    );
  let depth = 0;
  let last = '';
  let exported = '';
  for (let index = 0, due = STEP; index < tokens.length; index++) {
    if (index >= due) {
      due = index + STEP;
      yield;
    }
    const token = tokens[index] as Token;
    const { type, value } = token;
    if (isTrivia(token)) {
      out.push(
        type === 'WhiteSpace' || type === 'LineTerminatorSequence'
          ? value
          : safeComment(type, value),
      );
      continue;
    }
    if (type === 'Punctuator') depth += nesting(value);
    else if (type === 'TemplateHead') depth += 1;
    else if (type === 'TemplateTail') depth -= 1;
    const member = last === '.' || last === '?.' || isKey(tokens, index);
    if (type === 'IdentifierName' && !member) {
      if (value === 'import') throw refuse(whatImports(tokens, index));
      if (value === 'export' && depth === 0) {
        const found = readExport(tokens, index, refuse);
        index = found.skipped;
        out.push(
          found.kept ?? (found.local === undefined ? `${target} =` : ''),
          found.anonymous ? ` ${anonymous} ` : '',
        );
        exported = found.anonymous ? anonymous : (found.local ?? exported);
        last = ';';
        continue;
      }
    }
    // Never an HTML-like comment, though it may be code: `n-->0`.
    if (
      out.at(-1) === last &&
      ((last === '--' && value.startsWith('>')) || (last.endsWith('<') && value === '!'))
    )
      out.push(' ');
    out.push(
      isText(type) ? escapeSuspicious(value) : isName(type) ? safeName(value, member) : value,
    );
    last = value;
  }
  const tail = exported === '' ? '' : `\n;${target} = ${exported};`;
  // The outer function makes `this` undefined, as in a module.
  return `(function () {"use strict"; return async (${target.slice(0, -'.default'.length)}) => {\n${out.join('')}${tail}\n}; })()`;
}

/** The runtime module that a bundle imports (`node:fs`); undefined when there is none. */
export function builtinImport(code: string): string | undefined {
  const tokens = allOf(code).filter((token) => !isTrivia(token));
  for (const [index, { type, value }] of tokens.entries()) {
    if (type !== 'StringLiteral' || !BUILTIN.test(value)) continue;
    const [before, above] = [tokens[index - 1]?.value, tokens[index - 2]?.value];
    if (before === 'from' || before === 'import' || (before === '(' && above === 'import'))
      return value.slice(1, -1);
  }
  return undefined;
}

const BUILTIN = /^["'](?:node|bun|deno):/;

/** Names of properties that js-tokens mistakes for keywords before a regular expression. */
const PROPERTY =
  /((?<!\.)\.\s*)(await|case|default|delete|do|else|instanceof|new|return|throw|typeof|void|yield)(?![\w$])/g;

function allOf(code: string): Token[] {
  const work = tokensOf(code);
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}

function* tokensOf(code: string): Generator<undefined, Token[], undefined> {
  const tokens: Token[] = [];
  let at = 0;
  for (const token of jsTokens(
    code.replace(PROPERTY, (_, dot: string, word: string) => dot + 'x'.repeat(word.length)),
  )) {
    const end = at + token.value.length;
    tokens.push(
      code.startsWith(token.value, at) ? token : { ...token, value: code.slice(at, end) },
    );
    at = end;
    if (tokens.length % STEP === 0) yield;
  }
  return tokens;
}

/** A name that doesn't occur in the code. */
function freeName(code: string, name: string): string {
  let longest = -1;
  for (const [found] of code.matchAll(new RegExp(`\\${name}\\$*`, 'g')))
    longest = Math.max(longest, found.length);
  return name.padEnd(longest + 1, '$');
}

const isTrivia = ({ type }: Token) =>
  type === 'WhiteSpace' ||
  type === 'LineTerminatorSequence' ||
  type === 'MultiLineComment' ||
  type === 'SingleLineComment' ||
  type === 'HashbangComment';

const isText = (type: Token['type']) =>
  type === 'StringLiteral' ||
  type === 'NoSubstitutionTemplate' ||
  type === 'TemplateHead' ||
  type === 'TemplateMiddle' ||
  type === 'TemplateTail' ||
  type === 'RegularExpressionLiteral';

const isName = (type: Token['type']) => type === 'IdentifierName' || type === 'PrivateIdentifier';

const nesting = (punctuator: string) =>
  punctuator === '{' || punctuator === '(' || punctuator === '['
    ? 1
    : punctuator === '}' || punctuator === ')' || punctuator === ']'
      ? -1
      : 0;

/**
 * Texts that hardened JavaScript takes for code anywhere. Each match is the letter that is escaped.
 */
const SUSPICIOUS =
  /(?<=\bimpor)t(?=\s*(?:\(|\.|\/))|(?<=\beva)l(?=\s*\()|(?<=(?<!\(\?)<)!(?=--)|(?<=\(\?<!)-(?=-)|(?<=--)>/g;

/** Most texts contain nothing suspicious; the full pattern takes much longer. */
const mayBeSuspicious = (text: string) =>
  text.includes('--') || text.includes('import') || text.includes('eval');

/** An equivalent spelling for a string, a template or a regular expression. */
const escapeSuspicious = (text: string) =>
  mayBeSuspicious(text)
    ? text.replace(SUSPICIOUS, (letter) => `\\x${letter.charCodeAt(0).toString(16)}`)
    : text;

/**
 * Renames what hardened JavaScript would take for `import` or `eval`: `#eval`, `$import`, and these
 * words after a dot or as a key.
 */
function safeName(name: string, member: boolean): string {
  if (!name.endsWith('import') && !name.endsWith('eval')) return name;
  const start = name.length - (name.endsWith('eval') ? 4 : 6);
  if (start === 0 ? !member : /\w/.test(name.charAt(start - 1))) return name;
  return `${name.slice(0, start)}\\u00${name.charCodeAt(start).toString(16)}${name.slice(start + 1)}`;
}

/**
 * An unsuspicious comment is kept. Of another one only the line ends are kept, because they may end
 * a statement.
 */
function safeComment(type: Token['type'], text: string): string {
  // The end of a line may combine with the start of the next.
  if (
    type !== 'HashbangComment' &&
    (!mayBeSuspicious(text) ||
      (text.search(SUSPICIOUS) === -1 && !/\b(?:import|eval)\s*$/.test(text)))
  )
    return text;
  return type === 'MultiLineComment' ? ` ${text.replace(/[^\r\n\u2028\u2029]/g, '')}` : '';
}

/** Most tokens between brackets that are examined. */
const MAX_SCANNED = 256;

function nextOf(tokens: readonly Token[], index: number): Token | undefined {
  for (let at = index + 1; at < tokens.length; at++)
    if (!isTrivia(tokens[at] as Token)) return tokens[at];
  return undefined;
}

/**
 * Whether one of these words is the name of a property or method in an object or a class:
 * `{ import: 1 }`.
 */
function isKey(tokens: readonly Token[], index: number): boolean {
  const { value } = tokens[index] as Token;
  if (value !== 'import' && value !== 'export' && value !== 'eval') return false;
  const next = nextOf(tokens, index)?.value;
  if (next !== '(') return next === ':' || next === '=' || next === ';' || next === '}';
  let depth = 0;
  for (let at = index + 1; at < Math.min(tokens.length, index + MAX_SCANNED); at++) {
    const token = tokens[at] as Token;
    if (token.type !== 'Punctuator') continue;
    depth += nesting(token.value);
    if (token.value === ')' && depth === 0) return nextOf(tokens, at)?.value === '{';
  }
  return false;
}

function whatImports(tokens: readonly Token[], index: number): string {
  const [next, after] = tokens
    .slice(index + 1, index + MAX_SCANNED)
    .filter((token) => !isTrivia(token));
  if (next?.value === '(')
    return `it calls import(${after?.type === 'StringLiteral' ? after.value.slice(0, 200) : ''})`;
  return next?.value === '.'
    ? `it uses import.${after?.value ?? ''}`
    : `it imports ${sourceOf(tokens, index)}`;
}

function sourceOf(tokens: readonly Token[], index: number): string {
  return (
    tokens.slice(index + 1, index + 400).find(({ type }) => type === 'StringLiteral')?.value ??
    'something'
  );
}

interface Export {
  /** The last token that is removed. */
  readonly skipped: number;
  /** What replaces the removed text; the assignment when absent and nothing is declared. */
  readonly kept?: string;
  /** The default export's name in the code. */
  readonly local?: string;
  /** Whether it needs a name, assigned after the kept text. */
  readonly anonymous?: boolean;
}

/**
 * Reads `export …`. Declarations stay declarations: other code may use them, even before them, and
 * they end without a semicolon.
 */
function readExport(
  tokens: readonly Token[],
  start: number,
  refuse: (what: string) => Error,
): Export {
  let index = start;
  const next = () => {
    do index += 1;
    while (index < tokens.length && isTrivia(tokens[index] as Token));
    return tokens[index]?.value ?? '';
  };
  const first = next();
  if (first === '*') throw refuse(`it re-exports ${sourceOf(tokens, index)}`);
  if (first === '{') {
    let local: string | undefined;
    for (let word = next(); word !== '}' && word !== ''; ) {
      const one = word;
      word = next();
      if (word === 'as') {
        const name = next();
        if (name === 'default' || name === '"default"' || name === "'default'") local = one;
        word = next();
      }
      if (word === ',') word = next();
    }
    const skipped = index;
    if (next() === 'from') throw refuse(`it re-exports ${sourceOf(tokens, index)}`);
    // The removed text ends a statement, and what follows begins one.
    return { skipped, kept: ';', ...(local !== undefined && { local }) };
  }
  if (first !== 'default') return { skipped: index - 1, kept: '' };
  const before = index;
  let word = next();
  const words = [word];
  if (word === 'async') {
    word = next();
    words.push(word);
  }
  if (word !== 'function' && word !== 'class') return { skipped: before };
  let last = index;
  let name = next();
  if (name === '*') {
    words.push(name);
    last = index;
    name = next();
  }
  if (/^[\p{ID_Start}$_\\]/u.test(name) && name !== 'extends')
    return { skipped: before, local: name };
  return { skipped: last, kept: words.join(' '), anonymous: true };
}
