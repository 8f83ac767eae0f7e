/** Finds the modules of a runtime that a bundle imports. */
import type { Token } from 'js-tokens';
import { isTrivia, tokensOf } from './bundle-tokens.js';

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

function allOf(code: string): Token[] {
  const work = tokensOf(code);
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}
