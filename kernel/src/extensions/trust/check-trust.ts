/** Checks decisions about trust. One that can never apply would silently protect nothing. */
import { didYouMean, messageOf } from '@plinth/sdk/contract';
import { isPatternText, listAt, objectAt, oneOf, wrong } from '../../option-checks.js';

const CRITERIA = ['plugins', 'origins', 'publishers', 'keys'] as const;
const LEVELS: readonly unknown[] = ['trusted', 'partner', 'untrusted'];

/** A whole policy may be given. Only what is about trust is read of it. */
const DECISIONS = [
  'trust',
  'signatures',
  'revoked',
  'allow',
  'deny',
  'shared',
  'permissions',
  'chain',
  'resources',
  'updates',
  'commands',
];

/** @throws PluginConfigurationError `kernel/invalid-option` that names the option. */
export function checkTrustDecisions(decisions: unknown): void {
  const given = objectAt('policy', decisions);
  for (const key of Object.keys(given))
    if (!DECISIONS.includes(key))
      throw wrong(`policy.${key}`, `is not an option${didYouMean(key, DECISIONS, [])}`);
  checkSignatures(given.signatures);
  checkTrust(given.trust, given.signatures !== undefined);
}

function checkSignatures(signatures: unknown): void {
  if (signatures === undefined) return;
  const { keys, required, rollback, ...rest } = objectAt('policy.signatures', signatures);
  for (const key of Object.keys(rest))
    throw wrong(
      `policy.signatures.${key}`,
      `is not an option${didYouMean(key, ['keys', 'required', 'rollback'], [])}`,
    );
  if (typeof keys !== 'function') objectAt('policy.signatures.keys', keys);
  oneOf('policy.signatures.required', required, ['untrusted', 'all', 'none']);
  oneOf('policy.signatures.rollback', rollback, ['refuse', 'allow']);
}

function checkTrust(trust: unknown, signed: boolean): void {
  if (trust === undefined || typeof trust === 'function') return;
  const seen = new Map<string, number>();
  let last: number | undefined;
  for (const [index, rule] of listAt('policy.trust', trust).entries()) {
    const at = `policy.trust[${index}]`;
    const { level, ...criteria } = objectAt(at, rule);
    if (!LEVELS.includes(level))
      throw wrong(`${at}.level`, `must be one of ${LEVELS.join(', ')}, not ${messageOf(level)}`);
    for (const [key, patterns] of Object.entries(criteria)) {
      if (!CRITERIA.includes(key as never))
        throw wrong(
          `${at}.${key}`,
          `is nothing that a rule can ask for${didYouMean(key, CRITERIA, [])}`,
        );
      for (const [place, pattern] of listAt(`${at}.${key}`, patterns).entries())
        if (!isPatternText(pattern))
          throw wrong(
            `${at}.${key}[${place}]`,
            `must be a text, or a prefix that ends in '*', not ${messageOf(pattern)}`,
          );
    }
    if (!signed && (criteria.publishers !== undefined || criteria.keys !== undefined))
      throw wrong(
        at,
        "asks who has signed, and no keys are trusted (option 'policy.signatures'): it can never apply",
      );
    if (last !== undefined)
      throw wrong(
        at,
        `can never apply: policy.trust[${last}] asks for nothing and comes before it`,
      );
    const same = JSON.stringify(CRITERIA.map((key) => criteria[key]));
    const earlier = seen.get(same);
    if (earlier !== undefined)
      throw wrong(
        at,
        `can never apply: policy.trust[${earlier}] asks for the same and comes before it`,
      );
    seen.set(same, index);
    if (CRITERIA.every((key) => criteria[key] === undefined)) last = index;
  }
}
