/** Reads what a bundle exports. */
import { type BundleTokens, isTrivia, sourceOf } from './bundle-tokens.js';

/** How an export is replaced. */
export interface Export {
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
export function readExport(
  tokens: BundleTokens,
  start: number,
  refuse: (what: string) => Error,
): Export {
  let index = start;
  const next = () => {
    let token: ReturnType<BundleTokens['at']>;
    do {
      index += 1;
      token = tokens.at(index);
    } while (token !== undefined && isTrivia(token));
    return token?.value ?? '';
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
