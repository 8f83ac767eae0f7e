/** Messages that no honest guest sends. */
import { postRaw, smuggle } from './raw-port.ts';

type Kind = 'comlink' | 'control' | 'noise';

const CODE = 'globalThis.pwned = true; return 1';
const raw = (value: unknown) => ({ type: 'RAW', value });
let lastId = 0;
const message = (fields: object) => ({ id: `forged-${++lastId}`, ...fields });

/** What works on a bare Comlink: code from text, a polluted prototype, a look around, a closed port. */
const comlinkAttacks = () => [
  message({ type: 'CONSTRUCT', path: ['constructor', 'constructor'], argumentList: [raw(CODE)] }),
  message({ type: 'APPLY', path: ['constructor', 'constructor'], argumentList: [raw(CODE)] }),
  message({ type: 'SET', path: ['__proto__', 'polluted'], value: raw(true) }),
  message({ type: 'GET', path: ['constructor', 'name'] }),
  message({ type: 'APPLY', path: ['__proto__', 'toString'], argumentList: [] }),
  message({ type: 'RELEASE', path: [] }),
];

/** Not frames at all, or frames that can't be. One of these is enough to be ended. */
const noise = () => ['text', 7, null, { no: 'id' }, [], ['head'], [-1], [1.5, {}], [Number.MAX_SAFE_INTEGER, 0, 0, 0]];

/** The head of a control frame with the sequence 0: sequences are multiplied by 16, the rest is the kind. */
const CONTROL_HEAD = 6;

/**
 * Sends one kind of forgery and answers how many messages left: `comlink` bare on the raw port, `control` the same
 * inside frames of the runtime, `noise` what no protocol knows.
 */
export async function forge(kind: Kind, trigger: () => void): Promise<number> {
  if (kind === 'control') {
    const attacks = comlinkAttacks();
    return smuggle(
      attacks.flatMap((attack) => [CONTROL_HEAD, attack]),
      trigger,
    )
      ? attacks.length
      : 0;
  }
  if (kind === 'comlink') return postRaw(comlinkAttacks());
  const messages = noise();
  const sent = await postRaw(messages);
  // Where there is no raw port, a head that can't be still gets through.
  return sent > 0 ? sent : Number(smuggle([-1], trigger));
}
