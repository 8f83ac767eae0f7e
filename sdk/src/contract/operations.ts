/** What hot frames ask for: the number of each operation, and the words that travel with it. */

/**
 * Hot requests of a guest to the kernel. The frame's target is {@link targetOf} the operation and
 * the name it is about: names that are sent often have numbers on their link. A name without a
 * number is the last text in `meta`, where listed below.
 */
export const Op = {
  /**
   * name: command; input; meta: nothing, the sequence of the parent call, or [timeout in ms or 0,
   * that sequence or 0, command]. Here and below, work for an event has the (negative) number of
   * the event's cause in place of a sequence; work on the plugin's own behalf has
   * {@link OWN_BEHALF}.
   */
  execute: 1,
  /** name: topic; payload; meta: nothing, or [sequence of the parent call or 0, topic] */
  emit: 2,
  /**
   * name: hook; input; meta: [mode, timeout in ms or 0, sequence of the parent call or 0, 1 when it
   * is strict, hook]
   */
  hook: 3,
  /** value; meta: [verb, key, revision] */
  storage: 4,
  /** fields, one way; meta: [level, message, 1 when the plugin's console wrote it] */
  log: 5,
  /** changed input; meta: [sequence of the middleware step, 1 when the input was changed] */
  next: 6,
  /** lists commands */
  commands: 7,
  /** meta: [permission, scope] */
  permission: 8,
  /**
   * one way: an uncaught error; the guest can't continue. meta: [error record, 1 when it is a
   * promise rejection, the sequence of the call whose handler has thrown it or 0]
   */
  fatal: 9,
  /**
   * one way: calls that a guest has answered over a direct lane. meta: [lane, handle, calls,
   * failures, total ms, slowest ms]
   */
  laneCalls: 10,
  /** answered once everything sent to a lane's provider before has arrived there. meta: [lane] */
  laneFence: 11,
  /** one way: a lane is no longer usable. meta: [lane, why] */
  laneOver: 12,
  /**
   * message; meta: [receiving plugin, or nothing to route it; timeout in ms or 0; sequence of the
   * parent call or 0]
   */
  message: 13,
  /** meta: [name] */
  secret: 14,
  /** meta: [permission, scope, why or nothing, ms or Infinity] */
  request: 15,
  /**
   * { url, method, headers, body }; meta: [timeout in ms or 0, sequence of the parent call or 0]
   */
  fetch: 16,
  /** bytes to write or nothing; meta: [verb, path] */
  fs: 17,
  /** meta: [name] */
  env: 18,
  /** one way: the listener of an event has finished. meta: [number of the event's cause] */
  causeOver: 19,
  /** measurements, one way: kind, name, value and labels (or undefined) of each, in one list */
  metric: 20,
  /** one way: a handler has held the guest's thread. meta: [ms, kind, name] */
  longTask: 21,
} as const;

/** One way, from a wrapped bundle to its recorder, never to the kernel: what it reads of clocks. */
export const TAPE = 22;

/** In place of a sequence: the plugin acts on its own behalf. No cause has this number. */
export const OWN_BEHALF: number = -(2 ** 52);

/** The target of a request that is answered at once, after everything sent before it was taken. */
export const FENCE = 0;

/** The target of a request about a name. */
export const targetOf = (op: number, name: number): number => name * 32 + op;
/** The operation of a target. */
export const opOf = (target: number): number => target % 32;
/** The number of a target's name. */
export const nameOfTarget = (target: number): number => Math.floor(target / 32);

/** What a storage request does. */
export type StorageVerb = 'get' | 'set' | 'delete' | 'has' | 'keys' | 'clear' | 'swap' | 'read';

/** How a hook's answers are combined. */
export type HookMode = 'collect' | 'first' | 'waterfall' | 'parallel';

/** Severity of a log entry, least first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** Every level, least severe first; the wire carries the index. */
export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
