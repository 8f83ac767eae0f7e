/**
 * Converts a bundle, one ES module that imports nothing, to the text of an async function that
 * fills `$exports`, because hardened JavaScript has no modules. Hardened JavaScript also refuses
 * every text in which `import(`, a direct `eval(` or an HTML-like comment might be code, even where
 * it isn't. So comments, strings and regular expressions with such text are rewritten in an
 * equivalent spelling.
 */
import type { Token } from 'js-tokens';
import { createError } from '../contract/error-codes.js';
import {
  isName,
  isText,
  isTrivia,
  MAX_SCANNED,
  nesting,
  nextOf,
  STEP,
  sourceOf,
  tokensOf,
} from './bundle-tokens.js';
import { readExport } from './read-export.js';
import { escapeSuspicious, safeName, safeTrivia } from './safe-spelling.js';

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
      out.push(safeTrivia(token));
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
