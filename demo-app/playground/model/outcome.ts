/** How one call ended, in whichever runtime. */
import { type Difference, firstDifference } from './difference.ts';
import { plainText, showValue } from './show-value.ts';

/** An answer, or why there is none. */
export type Outcome =
  | { readonly kind: 'answer'; readonly value: unknown }
  /** An answer that is a stream. Its items are not read. */
  | { readonly kind: 'stream' }
  | { readonly kind: 'error'; readonly code: string; readonly message: string };

const MOST_CODE = 80;
const MOST_MESSAGE = 1_000;

/** Of a code that a plugin chooses itself, only its first characters are kept. */
export const failure = (code: string, message: string): Outcome => ({
  kind: 'error',
  code: plainText(code, MOST_CODE),
  message: plainText(message, MOST_MESSAGE),
});

/** Compares two outcomes. Of errors the codes count: each runtime has words of its own. */
export function compareOutcomes(here: Outcome, there: Outcome): Difference {
  if (here.kind === 'answer' && there.kind === 'answer')
    return firstDifference(here.value, there.value);
  const [one, other] = [nameOf(here), nameOf(there)];
  if (one === other) return { equal: true, cut: false };
  return { equal: false, path: '$', here: one, there: other };
}

/** An outcome for people. */
export function textOf(outcome: Outcome): string {
  if (outcome.kind === 'answer') return showValue(outcome.value);
  if (outcome.kind === 'stream') return 'A stream. Its items are not compared.';
  return `${outcome.code}\n${outcome.message}`;
}

/** An outcome in a few words. */
function nameOf(outcome: Outcome): string {
  if (outcome.kind === 'error') return `the error ${outcome.code}`;
  return outcome.kind === 'stream' ? 'a stream' : 'an answer';
}
