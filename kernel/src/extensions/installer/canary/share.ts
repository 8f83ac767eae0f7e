/** Which calls a canary answers. The same seed and the same names always choose the same. */
import type { Canarying } from './options.js';

/** Who makes a call. */
export interface Chosen {
  readonly user: string | undefined;
  readonly caller: string;
}

/** Makes the choice. */
export function shareOf({
  share,
  by,
  seed,
}: Pick<Canarying, 'share' | 'by' | 'seed'>): (call: Chosen) => boolean {
  let calls = 0;
  return ({ user, caller }) => {
    if (by === 'call') {
      calls += 1;
      return placeOf(`${seed} ${calls}`) < share;
    }
    const name = by === 'user' ? user : caller;
    return name !== undefined && placeOf(`${seed} ${name}`) < share;
  };
}

/** A number from 0 to 1 for a text: FNV-1a, mixed so that similar texts lie apart. */
function placeOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
