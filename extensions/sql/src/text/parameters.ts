/** How many parameters a statement takes. SQLite would take those that are missing as null. */
import type { Statement } from './tokens.js';

const NAMED: ReadonlySet<string> = new Set([':', '@', '$', '#']);

/** The number of parameters, which are written `?` or `?1`. Undefined: some have names. */
export function parametersOf({ tokens }: Statement): number | undefined {
  let most = 0;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token?.kind !== 'symbol') continue;
    const next = tokens[at + 1];
    if (NAMED.has(token.text) && next?.from === token.to && isName(next.text)) return undefined;
    if (token.text !== '?') continue;
    let digits = '';
    for (let end = token.to; ; end++) {
      const digit = tokens[at + 1];
      if (digit?.from !== end || !/^\d$/.test(digit.text)) break;
      digits += digit.text;
      at += 1;
    }
    most = digits === '' ? most + 1 : Math.max(most, Number(digits));
  }
  return most;
}

const isName = (text: string): boolean => /^[\w$\u0080-\uffff]/.test(text);
