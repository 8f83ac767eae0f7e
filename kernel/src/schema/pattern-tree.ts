/** Parses a regular expression into a tree. The syntax is that of `pattern.ts`. */

/** Longest pattern, in characters. */
export const MAX_PATTERN = 1_024;

/** Why a text isn't a supported pattern. */
export class PatternProblem extends Error {}

/** A part of a pattern. */
export type Tree =
  | { readonly kind: 'atom'; readonly source: string }
  | { readonly kind: 'assertion'; readonly source: string }
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Tree[] }
  | { readonly kind: 'repeat'; readonly part: Tree; readonly least: number; readonly most: number };

const ATOM =
  /\\(?:u\{[0-9a-f]+\}|ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|u[0-9a-f]{4}|x[0-9a-f]{2}|c[a-z]|p\{[^}]*\}|.)|\[(?:\\.|[^\]\\])*\]|./isuy;
const QUANTIFIER = /(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y;
const GROUP = /\((?:\?(?::|<[^=!>][^>]*>))?/y;

/** Parses a pattern that is known to be a valid regular expression. */
export class Parser {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): Tree {
    const branches: Tree[] = [];
    let parts: Tree[] = [];
    while (this.#at < this.#source.length && !this.#is(')')) {
      if (this.#is('|')) {
        this.#at += 1;
        branches.push({ kind: 'all', parts });
        parts = [];
      } else parts.push(this.#term());
    }
    const last: Tree = { kind: 'all', parts };
    return branches.length === 0 ? last : { kind: 'any', parts: [...branches, last] };
  }

  #is(letter: string): boolean {
    return this.#source[this.#at] === letter;
  }

  #take(shape: RegExp): RegExpExecArray | null {
    shape.lastIndex = this.#at;
    const found = shape.exec(this.#source);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  #term(): Tree {
    let part: Tree;
    if (this.#is('(')) {
      if (this.#take(GROUP)?.[0] === '(' && this.#is('?'))
        throw new PatternProblem(
          'looks ahead or behind, or changes flags: only patterns that are matched in linear time may be used',
        );
      part = this.parse();
      this.#at += 1;
    } else {
      const source = (this.#take(ATOM) as RegExpExecArray)[0];
      if (/^\\[1-9k]/.test(source))
        throw new PatternProblem(
          'refers back to a group: only patterns that are matched in linear time may be used',
        );
      part = {
        kind:
          source === '^' || source === '$' || source === '\\b' || source === '\\B'
            ? 'assertion'
            : 'atom',
        source,
      };
    }
    const found = this.#take(QUANTIFIER);
    if (found === null) return part;
    const [, sign, from, comma, to] = found;
    if (sign !== undefined)
      return {
        kind: 'repeat',
        part,
        least: sign === '+' ? 1 : 0,
        most: sign === '?' ? 1 : Number.POSITIVE_INFINITY,
      };
    const least = Number(from);
    return {
      kind: 'repeat',
      part,
      least,
      most: comma === '' ? least : to === '' ? Number.POSITIVE_INFINITY : Number(to),
    };
  }
}
