/** Where a text stops being JSON. The engine's messages don't always say so. */
import { type Place, placeAt } from '../terminal/code-frame.js';

/**
 * The place of the first character that no JSON could have there; the end of a text that is cut. A
 * byte order mark doesn't count.
 */
export function syntaxPlace(text: string): Place {
  const source = text.replace(/^\ufeff/, '');
  if (!isWrong(source)) return placeAt(source, source.trimEnd().length);
  // Once a beginning is wrong, each longer one is.
  let [right, wrong] = [0, source.length];
  while (wrong - right > 1) {
    const middle = Math.floor((right + wrong) / 2);
    if (isWrong(source.slice(0, middle))) wrong = middle;
    else right = middle;
  }
  return placeAt(source, wrong - 1);
}

/** Whether nothing that is added would make it JSON. */
function isWrong(beginning: string): boolean {
  try {
    JSON.parse(beginning);
    return false;
  } catch (error) {
    const { message } = error as Error;
    if (/^Unexpected end|^Unterminated/.test(message)) return false;
    const position = /at position (\d+)/.exec(message)?.[1];
    return position === undefined || Number(position) < beginning.length;
  }
}
