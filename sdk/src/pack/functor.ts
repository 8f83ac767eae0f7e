/**
 * From a bundle, one ES module that imports nothing, to the text of an async function that fills `$exports`: hardened JavaScript knows no
 * modules. It also refuses every text in which `import(`, a direct `eval(` or an HTML-like comment might be code, whether it is or not; so
 * comments, strings and regular expressions that hold such text are written in another spelling that means the same.
 */
import jsTokens, { type Token } from 'js-tokens';
import { createError } from '../contract/errors.js';

/**
 * Makes the functor: `async ($exports) => { … }`, as an expression. Only the default export is kept. What is written in a tagged template
 * in the raw may be spelled differently afterwards (`impor\x74(` for `import(`); nothing else changes.
 *
 * @param name the plugin and file, for messages.
 * @throws PluginLifecycleError `plugin/load-failed` for what can't be a plugin's bundle: imports, re-exports, `import()`, `import.meta`.
 */
export function toFunctor(code: string, name: string): string {
  const out: string[] = [];
  const tokens = [...jsTokens(code)];
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
    if (type === 'IdentifierName' && last !== '.' && last !== '?.') {
      if (value === 'import' && !isKey(tokens, index)) {
        const next = nextOf(tokens, index);
        throw refuse(next?.value === '(' ? 'it calls import()' : next?.value === '.' ? 'it uses import.meta' : `it imports ${sourceOf(tokens, index)}`);
      }
      if (value === 'export' && depth === 0) {
        const [skipped, kept, found] = readExport(tokens, index, refuse);
        index = skipped;
        out.push(kept);
        exported = found ?? exported;
        last = kept === '' ? ';' : '=';
        continue;
      }
    }
    // Never an HTML-like comment, though it may be code: `n-->0`.
    if ((last === '--' && value === '>' && out.at(-1) === '--') || (last === '<' && value === '!' && out.at(-1) === '<')) out.push(' ');
    out.push(isText(type) ? quiet(value) : value);
    last = value;
  }
  const tail = exported === '' ? '' : `\n;$exports.default = ${exported};`;
  return `(async ($exports) => {"use strict";${out.join('')}${tail}\n})`;
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

const nesting = (punctuator: string) =>
  punctuator === '{' || punctuator === '(' || punctuator === '[' ? 1 : punctuator === '}' || punctuator === ')' || punctuator === ']' ? -1 : 0;

/** Texts that hardened JavaScript takes for code wherever they are; each matches the letter that is spelled as an escape. */
const SUSPICIOUS = /(?<=\bimpor)t(?=\s*(?:\(|\.|\/))|(?<=\beva)l(?=\s*\()|(?<=<)!(?=--)|(?<=--)>/g;

/** The same text in a string, a template or a regular expression. */
const quiet = (text: string) => text.replace(SUSPICIOUS, (letter) => `\\x${letter.charCodeAt(0).toString(16)}`);

/** A comment that holds nothing of the kind is kept; of another one the line ends are, which may end a statement. */
function quietComment(type: Token['type'], text: string): string {
  if (type !== 'HashbangComment' && text.search(SUSPICIOUS) === -1) return text;
  return type === 'MultiLineComment' ? ` ${text.replace(/[^\r\n\u2028\u2029]/g, '')}` : '';
}

function nextOf(tokens: readonly Token[], index: number): Token | undefined {
  return tokens.slice(index + 1, index + 64).find((token) => !isTrivia(token));
}

/** Whether a word is the name of a property in an object or a class: `{ import: 1 }`. */
const isKey = (tokens: readonly Token[], index: number) => nextOf(tokens, index)?.value === ':';

function sourceOf(tokens: readonly Token[], index: number): string {
  return tokens.slice(index + 1, index + 400).find(({ type }) => type === 'StringLiteral')?.value ?? 'something';
}

/** Reads `export …`: the index of the last token that is left out, what stands in their place, and the name behind the default export. */
function readExport(tokens: readonly Token[], start: number, refuse: (what: string) => Error): readonly [skipped: number, kept: string, exported?: string] {
  const words: string[] = [];
  let index = start;
  const next = () => {
    do index += 1;
    while (index < tokens.length && isTrivia(tokens[index] as Token));
    const value = tokens[index]?.value ?? '';
    words.push(value);
    return value;
  };
  const first = next();
  if (first === '*') throw refuse(`it re-exports ${sourceOf(tokens, index)}`);
  if (first === '{') return readList(tokens, index, next, refuse, () => index);
  if (first !== 'default') return [index - 1, ''];
  const before = index;
  // A declaration with a name is left where it is: other code may use it, also before it.
  let word = next();
  if (word === 'async') word = next();
  if (word !== 'function' && word !== 'class') return [before, '$exports.default ='];
  let name = next();
  if (name === '*') name = next();
  const named = /^[\p{ID_Start}$_]/u.test(name) && name !== 'extends';
  return named ? [before, '', name] : [before, '$exports.default ='];
}

function readList(tokens: readonly Token[], _start: number, next: () => string, refuse: (what: string) => Error, at: () => number): readonly [number, string, string?] {
  let exported: string | undefined;
  let local = '';
  let word = next();
  while (word !== '}' && word !== '') {
    if (word === 'as') {
      const name = next();
      if (name === 'default' || name === '"default"' || name === "'default'") exported = local;
    } else if (word !== ',') local = word;
    word = next();
  }
  const end = at();
  if (next() === 'from') throw refuse(`it re-exports ${tokens[at()] === undefined ? 'something' : sourceOf(tokens, at())}`);
  return exported === undefined ? [end, ''] : [end, '', exported];
}
