/**
 * Converts a bundle, one ES module that imports nothing, to the text of an async function that
 * fills `$exports`, because hardened JavaScript has no modules. Hardened JavaScript also refuses
 * every text in which `import(`, a direct `eval(` or an HTML-like comment might be code, even where
 * it isn't. So comments, strings and regular expressions with such text are rewritten in an
 * equivalent spelling.
 *
 * Only the default export is kept. Two differences remain: the raw text of a tagged template and
 * the source of a function or regular expression may be spelled differently (`impor\x74(` for
 * `import(`); and an unnamed default export is not called `default`. The bundle begins with the
 * second line.
 */
import {
  BundleTokens,
  isName,
  isText,
  isTrivia,
  MAX_SCANNED,
  nesting,
  nextOf,
  sourceOf,
} from './bundle-tokens.js';
import { readExport } from './read-export.js';
import { escapeSuspicious, safeName, safeTrivia } from './safe-spelling.js';
import type { Steps } from './slices.js';

/** How a bundle is refused. The text says what it does: `it imports 'x'`. */
export type Refuse = (what: string) => Error;

/** Tokens that are converted in one step. */
const STEP = 256;

/**
 * Makes a functor step by step.
 *
 * @throws what `refuse` answers.
 */
export function* functorOf(code: string, refuse: Refuse): Steps<string> {
  const tokens = new BundleTokens(code);
  const target = `${freeName(code, '$exports')}.default`;
  const anonymous = freeName(code, '$default');
  let done = '';
  let out: string[] = [];
  let depth = 0;
  let last = '';
  let exported = '';
  for (let index = 0, due = STEP; ; index++) {
    const token = tokens.at(index);
    if (token === undefined) break;
    if (index >= due) {
      due = index + STEP;
      tokens.forget(index);
      const recent = out.pop() ?? '';
      done += out.join('');
      out = [recent];
      yield;
    }
    const { type, value } = token;
    if (isTrivia(token)) {
      out.push(safeTrivia(token));
      continue;
    }
    if (type === 'Punctuator') depth += nesting(value);
    else if (type === 'TemplateHead') depth += 1;
    else if (type === 'TemplateTail') depth -= 1;
    const member = last === '.' || last === '?.' || isKey(tokens, index, value);
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
  return `(function () {"use strict"; return async (${target.slice(0, -'.default'.length)}) => {\n${done}${out.join('')}${tail}\n}; })()`;
}

/** A name that doesn't occur in the code. */
function freeName(code: string, name: string): string {
  let longest = -1;
  for (const [found] of code.matchAll(new RegExp(`\\${name}\\$*`, 'g')))
    longest = Math.max(longest, found.length);
  return name.padEnd(longest + 1, '$');
}

/**
 * Whether one of these words is the name of a property or method in an object or a class:
 * `{ import: 1 }`.
 */
function isKey(tokens: BundleTokens, index: number, value: string): boolean {
  if (value !== 'import' && value !== 'export' && value !== 'eval') return false;
  const next = nextOf(tokens, index)?.value;
  if (next !== '(') return next === ':' || next === '=' || next === ';' || next === '}';
  let depth = 0;
  for (let at = index + 1; at < index + MAX_SCANNED; at++) {
    const token = tokens.at(at);
    if (token === undefined) break;
    if (token.type !== 'Punctuator') continue;
    depth += nesting(token.value);
    if (token.value === ')' && depth === 0) return nextOf(tokens, at)?.value === '{';
  }
  return false;
}

function whatImports(tokens: BundleTokens, index: number): string {
  const [next, after] = tokens.from(index + 1, MAX_SCANNED).filter((token) => !isTrivia(token));
  if (next?.value === '(')
    return `it calls import(${after?.type === 'StringLiteral' ? after.value.slice(0, 200) : ''})`;
  return next?.value === '.'
    ? `it uses import.${after?.value ?? ''}`
    : `it imports ${sourceOf(tokens, index)}`;
}
