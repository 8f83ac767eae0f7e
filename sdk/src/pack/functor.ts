/**
 * From a bundle, one ES module that imports nothing, to the text of an async function that fills `$exports`: hardened JavaScript knows no
 * modules. It also refuses every text in which `import(`, a direct `eval(` or an HTML-like comment might be code, whether it is or not; so
 * comments, strings and regular expressions that hold such text are written in another spelling that means the same.
 */
import jsTokens, { type Token } from 'js-tokens';
import { createError } from '../contract/error-codes.js';

/**
 * Makes the functor: `async ($exports) => { … }`, as an expression. Only the default export is kept. What is written in a tagged template
 * in the raw may be spelled differently afterwards (`impor\x74(` for `import(`), as may the source of a function or regular expression; a
 * default export without a name is not called `default`. Nothing else changes.
 *
 * @param name the plugin and file, for messages.
 * @throws PluginLifecycleError `plugin/load-failed` for what can't be a plugin's bundle: imports, re-exports, `import()`, `import.meta`.
 */
export function toFunctor(code: string, name: string): string {
  const out: string[] = [];
  const tokens = tokensOf(code);
  const target = `${freeName(code, '$exports')}.default`;
  const anonymous = freeName(code, '$default');
  const refuse = (what: string) =>
    createError('plugin/load-failed', `cannot load ${name}: ${what}; bundle the plugin into one file that imports nothing`, { details: { file: name } });
  let depth = 0;
  let last = '';
  let exported = '';
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] as Token;
    const { type, value } = token;
    if (isTrivia(token)) {
      out.push(type === 'WhiteSpace' || type === 'LineTerminatorSequence' ? value : quietComment(type, value));
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
        out.push(found.kept ?? (found.local === undefined ? `${target} =` : ''), found.anonymous ? ` ${anonymous} ` : '');
        exported = found.anonymous ? anonymous : (found.local ?? exported);
        last = ';';
        continue;
      }
    }
    // Never an HTML-like comment, though it may be code: `n-->0`.
    if (out.at(-1) === last && ((last === '--' && value.startsWith('>')) || (last.endsWith('<') && value === '!'))) out.push(' ');
    out.push(isText(type) ? quiet(value) : isName(type) ? quietName(value, member) : value);
    last = value;
  }
  const tail = exported === '' ? '' : `\n;${target} = ${exported};`;
  // The function around it is there for `this`, which is undefined in a module.
  return `(function () {"use strict"; return async (${target.slice(0, -'.default'.length)}) => {${out.join('')}${tail}\n}; })()`;
}

/** Names of properties that js-tokens takes for keywords after which a slash begins a regular expression. */
const PROPERTY = /((?<!\.)\.\s*)(await|case|default|delete|do|else|instanceof|new|return|throw|typeof|void|yield)(?![\w$])/g;

function tokensOf(code: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (const token of jsTokens(code.replace(PROPERTY, (_, dot: string, word: string) => dot + 'x'.repeat(word.length)))) {
    const end = at + token.value.length;
    tokens.push(code.startsWith(token.value, at) ? token : { ...token, value: code.slice(at, end) });
    at = end;
  }
  return tokens;
}

/** A name that the code doesn't use. */
function freeName(code: string, name: string): string {
  let longest = -1;
  for (const [found] of code.matchAll(new RegExp(`\\${name}\\$*`, 'g'))) longest = Math.max(longest, found.length);
  return name.padEnd(longest + 1, '$');
}

const isTrivia = ({ type }: Token) =>
  type === 'WhiteSpace' || type === 'LineTerminatorSequence' || type === 'MultiLineComment' || type === 'SingleLineComment' || type === 'HashbangComment';

const isText = (type: Token['type']) =>
  type === 'StringLiteral' ||
  type === 'NoSubstitutionTemplate' ||
  type === 'TemplateHead' ||
  type === 'TemplateMiddle' ||
  type === 'TemplateTail' ||
  type === 'RegularExpressionLiteral';

const isName = (type: Token['type']) => type === 'IdentifierName' || type === 'PrivateIdentifier';

const nesting = (punctuator: string) =>
  punctuator === '{' || punctuator === '(' || punctuator === '[' ? 1 : punctuator === '}' || punctuator === ')' || punctuator === ']' ? -1 : 0;

/** Texts that hardened JavaScript takes for code wherever they are; each matches the letter that is spelled as an escape. */
const SUSPICIOUS = /(?<=\bimpor)t(?=\s*(?:\(|\.|\/))|(?<=\beva)l(?=\s*\()|(?<=(?<!\(\?)<)!(?=--)|(?<=\(\?<!)-(?=-)|(?<=--)>/g;

/** Most texts hold nothing of the kind, and looking for it all at once takes much longer. */
const mayBeSuspicious = (text: string) => text.includes('--') || text.includes('import') || text.includes('eval');

/** The same text in a string, a template or a regular expression. */
const quiet = (text: string) => (mayBeSuspicious(text) ? text.replace(SUSPICIOUS, (letter) => `\\x${letter.charCodeAt(0).toString(16)}`) : text);

/** A name that hardened JavaScript would take for `import` or `eval`: `#eval`, `$import`, and after a dot or as a key these words themselves. */
function quietName(name: string, member: boolean): string {
  if (!name.endsWith('import') && !name.endsWith('eval')) return name;
  const start = name.length - (name.endsWith('eval') ? 4 : 6);
  if (start === 0 ? !member : /\w/.test(name.charAt(start - 1))) return name;
  return `${name.slice(0, start)}\\u00${name.charCodeAt(start).toString(16)}${name.slice(start + 1)}`;
}

/** A comment that holds nothing of the kind is kept; of another one the line ends are, which may end a statement. */
function quietComment(type: Token['type'], text: string): string {
  // What a line ends with goes on in the next one.
  if (type !== 'HashbangComment' && (!mayBeSuspicious(text) || (text.search(SUSPICIOUS) === -1 && !/\b(?:import|eval)\s*$/.test(text)))) return text;
  return type === 'MultiLineComment' ? ` ${text.replace(/[^\r\n\u2028\u2029]/g, '')}` : '';
}

/** Most tokens between brackets that are looked at. */
const FAR = 256;

function nextOf(tokens: readonly Token[], index: number): Token | undefined {
  for (let at = index + 1; at < tokens.length; at++) if (!isTrivia(tokens[at] as Token)) return tokens[at];
  return undefined;
}

/** Whether one of the words that matter here is the name of a property or method in an object or a class: `{ import: 1 }`. */
function isKey(tokens: readonly Token[], index: number): boolean {
  const { value } = tokens[index] as Token;
  if (value !== 'import' && value !== 'export' && value !== 'eval') return false;
  const next = nextOf(tokens, index)?.value;
  if (next !== '(') return next === ':' || next === '=' || next === ';' || next === '}';
  let depth = 0;
  for (let at = index + 1; at < Math.min(tokens.length, index + FAR); at++) {
    const token = tokens[at] as Token;
    if (token.type !== 'Punctuator') continue;
    depth += nesting(token.value);
    if (token.value === ')' && depth === 0) return nextOf(tokens, at)?.value === '{';
  }
  return false;
}

function whatImports(tokens: readonly Token[], index: number): string {
  const [next, after] = tokens.slice(index + 1, index + FAR).filter((token) => !isTrivia(token));
  if (next?.value === '(') return 'it calls import()';
  return next?.value === '.' ? `it uses import.${after?.value ?? ''}` : `it imports ${sourceOf(tokens, index)}`;
}

function sourceOf(tokens: readonly Token[], index: number): string {
  return tokens.slice(index + 1, index + 400).find(({ type }) => type === 'StringLiteral')?.value ?? 'something';
}

interface Export {
  /** The last token that is left out. */
  readonly skipped: number;
  /** What stands in place of what is left out; the assignment where absent and nothing is declared. */
  readonly kept?: string;
  /** What the default export is called in the code. */
  readonly local?: string;
  /** Whether it has to be given a name, behind what is kept. */
  readonly anonymous?: boolean;
}

/** Reads `export …`. Declarations stay declarations: other code may use them, also before them, and they end without a semicolon. */
function readExport(tokens: readonly Token[], start: number, refuse: (what: string) => Error): Export {
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
    // It ends a statement, and what follows begins one.
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
  if (/^[\p{ID_Start}$_\\]/u.test(name) && name !== 'extends') return { skipped: before, local: name };
  return { skipped: last, kept: words.join(' '), anonymous: true };
}
