/** Spells a token so that hardened JavaScript takes no part of it for code that it refuses. */
import type { Token } from 'js-tokens';

/**
 * Texts that hardened JavaScript takes for code anywhere. Each match is the letter that is escaped.
 */
const SUSPICIOUS =
  /(?<=\bimpor)t(?=\s*(?:\(|\.|\/))|(?<=\beva)l(?=\s*\()|(?<=(?<!\(\?)<)!(?=--)|(?<=\(\?<!)-(?=-)|(?<=--)>/g;

/** Most texts contain nothing suspicious; the full pattern takes much longer. */
const mayBeSuspicious = (text: string) =>
  text.includes('--') || text.includes('import') || text.includes('eval');

/** An equivalent spelling for a string, a template or a regular expression. */
export const escapeSuspicious = (text: string) =>
  mayBeSuspicious(text)
    ? text.replace(SUSPICIOUS, (letter) => `\\x${letter.charCodeAt(0).toString(16)}`)
    : text;

/**
 * Renames what hardened JavaScript would take for `import` or `eval`: `#eval`, `$import`, and these
 * words after a dot or as a key.
 */
export function safeName(name: string, member: boolean): string {
  if (!name.endsWith('import') && !name.endsWith('eval')) return name;
  const start = name.length - (name.endsWith('eval') ? 4 : 6);
  if (start === 0 ? !member : /\w/.test(name.charAt(start - 1))) return name;
  return `${name.slice(0, start)}\\u00${name.charCodeAt(start).toString(16)}${name.slice(start + 1)}`;
}

/** A space or the end of a line as it is, a comment by {@link safeComment}. */
export const safeTrivia = ({ type, value }: Token): string =>
  type === 'WhiteSpace' || type === 'LineTerminatorSequence' ? value : safeComment(type, value);

/**
 * An unsuspicious comment is kept. Of another one only the line ends are kept, because they may end
 * a statement.
 */
function safeComment(type: Token['type'], text: string): string {
  // The end of a line may combine with the start of the next.
  if (
    type !== 'HashbangComment' &&
    (!mayBeSuspicious(text) ||
      (text.search(SUSPICIOUS) === -1 && !/\b(?:import|eval)\s*$/.test(text)))
  )
    return text;
  return type === 'MultiLineComment' ? ` ${text.replace(/[^\r\n\u2028\u2029]/g, '')}` : '';
}
