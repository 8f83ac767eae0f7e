/** Suggests the known word that was probably meant. */

/** ` (did you mean 'main'?)`, or nothing when no unused known word is close. */
export function didYouMean(
  word: string,
  known: readonly string[],
  used: readonly string[],
): string {
  if (word.length > MAX_WORD) return '';
  let best: string | undefined;
  let least = Math.max(2, Math.ceil(word.length / 3)) + 1;
  for (const candidate of known) {
    if (used.includes(candidate) && candidate.toLowerCase() !== word.toLowerCase()) continue;
    const edits = distance(word.toLowerCase(), candidate.toLowerCase());
    if (edits < least) {
      least = edits;
      best = candidate;
    }
  }
  return best === undefined ? '' : ` (did you mean '${best}'?)`;
}

/** Longest word that is compared. */
const MAX_WORD = 32;

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  if (b.length > MAX_WORD) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(
        (row[j] as number) + 1,
        (next[j - 1] as number) + 1,
        (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    }
    row = next;
  }
  return row[b.length] as number;
}
