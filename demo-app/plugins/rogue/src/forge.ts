/** Messages that no honest guest sends. */
import { postRaw, smuggle } from './raw-port.ts';

type Kind = 'comlink' | 'control' | 'noise';

const CODE = 'globalThis.pwned = true; return 1';
const raw = (value: unknown) => ({ type: 'RAW', value });
let lastId = 0;
const message = (fields: object) => ({ id: `forged-${++lastId}`, ...fields });

/**
 * Attacks that work on a bare Comlink: code from text, a polluted prototype, reading properties, a
 * closed port.
 */
const comlinkAttacks = () => [
  message({ type: 'CONSTRUCT', path: ['constructor', 'constructor'], argumentList: [raw(CODE)] }),
  message({ type: 'APPLY', path: ['constructor', 'constructor'], argumentList: [raw(CODE)] }),
  message({ type: 'SET', path: ['__proto__', 'polluted'], value: raw(true) }),
  message({ type: 'GET', path: ['constructor', 'name'] }),
  message({ type: 'APPLY', path: ['__proto__', 'toString'], argumentList: [] }),
  message({ type: 'RELEASE', path: [] }),
];

/** Messages that are no frames, or invalid ones. One of these is enough to end the guest. */
const noise = () => [
  'text',
  7,
  null,
  { no: 'id' },
  [],
  ['head'],
  [-1],
  [1.5, {}],
  [Number.MAX_SAFE_INTEGER, 0, 0, 0],
];

/**
 * The head of a control frame with the sequence 0: the sequence is multiplied by 16, the rest is
 * the kind.
 */
const CONTROL_HEAD = 6;

/**
 * Sends one kind of forgery and returns how many messages were sent: `comlink` sends Comlink
 * messages on the raw port, `control` the same inside the runtime's frames, `noise` messages of no
 * protocol.
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
  // Where there is no raw port, an invalid head still gets through.
  return sent > 0 ? sent : Number(smuggle([-1], trigger));
}
