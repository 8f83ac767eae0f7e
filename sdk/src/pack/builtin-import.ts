/** Finds the modules of a runtime that a bundle imports. */
import { BundleTokens, isTrivia } from './bundle-tokens.js';
import { inSlices, type Steps } from './slices.js';

/**
 * The runtime module that a bundle imports (`node:fs`); undefined when there is none. It is looked
 * for in slices of eight milliseconds.
 *
 * @param pause settles after other tasks have run.
 */
export const builtinImport = (
  code: string,
  pause: () => Promise<void>,
): Promise<string | undefined> => inSlices(builtinIn(code), pause);

/** Tokens that are read in one step. */
const STEP = 256;

function* builtinIn(code: string): Steps<string | undefined> {
  const tokens = new BundleTokens(code);
  let before = '';
  let above = '';
  for (let index = 0; ; index++) {
    const token = tokens.at(index);
    if (token === undefined) return undefined;
    if (index % STEP === 0) {
      tokens.forget(index);
      yield;
    }
    if (isTrivia(token)) continue;
    const { type, value } = token;
    if (
      type === 'StringLiteral' &&
      BUILTIN.test(value) &&
      (before === 'from' || before === 'import' || (before === '(' && above === 'import'))
    )
      return value.slice(1, -1);
    above = before;
    before = value;
  }
}

const BUILTIN = /^["'](?:node|bun|deno):/;
