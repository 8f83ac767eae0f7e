/** Linked pairs for the model: two links, and their connection. */
import { type Endpoint, endpointPair, Link, type LinkOptions } from '@plinth/sdk/rpc';

/** A side's options from the model; the pair adds the endpoint. */
export type SideOptions = Omit<LinkOptions, 'endpoint'>;

export interface Pair {
  readonly left: Link;
  readonly right: Link;
  dispose(): void;
}
export type MakePair = (left: SideOptions, right: SideOptions) => Pair;

/** A pair over two endpoints. */
export function linked(
  [left, right]: readonly [Endpoint, Endpoint],
  leftOptions: SideOptions,
  rightOptions: SideOptions,
  dispose = () => {},
): Pair {
  return {
    left: new Link({ endpoint: left, ...leftOptions }),
    right: new Link({ endpoint: right, ...rightOptions }),
    dispose,
  };
}

export const byMessages: MakePair = (left, right) => linked(endpointPair(), left, right);

export const directly: MakePair = (left, right) =>
  linked(endpointPair({ direct: true }), left, right);

export const byChannel: MakePair = (left, right) => {
  const { port1, port2 } = new MessageChannel();
  return linked([port1, port2], left, right, () => {
    port1.close();
    port2.close();
  });
};

/**
 * Runs a task after a turn of the event loop. Timers would work, but a browser delays nested ones
 * by 4 ms, and Node processes a thousand messages of one port before the next, which is no turn.
 */
export const afterTurn: (task: () => void) => void =
  typeof setImmediate === 'function' ? (task) => void setImmediate(task) : turnsByChannel();

function turnsByChannel(): (task: () => void) => void {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return (task) => {
    waiting.push(task);
    port2.postMessage(undefined);
  };
}

export const turn = (): Promise<void> => new Promise(afterTurn);

/** Every way in which two links can be connected. */
export const pairs: readonly (readonly [string, MakePair])[] = [
  ['by messages', byMessages],
  ['directly, in one thread', directly],
  ['over a MessageChannel', byChannel],
];
