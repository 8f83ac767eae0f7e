/**
 * The grammar of names: plugin ids, member names, wire ids, contract ids, event topics. All of it
 * is here, without exceptions.
 */

/** Lower-case dotted names, compared exactly, so that no two ids look alike. */
const PLUGIN_ID = /^[a-z][a-z0-9]*([.-][a-z0-9]+)*$/;
const MEMBER = /^[a-z][A-Za-z0-9]*$/;
const CONTRACT_ID = /^([a-z][a-z0-9]*(?:[.-][a-z0-9]+)*)@(0|[1-9]\d{0,5})$/;

/** Longest plugin id, in characters. */
export const MAX_ID = 128;
/** Longest topic or wire id, in characters. */
export const MAX_TOPIC = 256;

const RESERVED = [
  ...[
    'plugin',
    'permission',
    'signature',
    'config',
    'call',
    'middleware',
    'event',
    'need',
    'resource',
    'lane',
    'wire',
    'log',
    'kernel',
    'tenant',
    'plinth',
  ],
] as const;
/**
 * A first segment of the kernel's own topics. The kernel's event catalogue only compiles with
 * these.
 */
export type ReservedSegment = (typeof RESERVED)[number];
/** First segments that belong to the kernel's own topics; no plugin id may start with one. */
export const RESERVED_SEGMENTS: ReadonlySet<string> = new Set(RESERVED);

/** Why a text isn't a plugin id, or undefined when it is one. */
export function pluginIdProblem(id: string): string | undefined {
  if (id.length > MAX_ID) return `an id has at most ${MAX_ID} characters`;
  if (!PLUGIN_ID.test(id))
    return "an id is made of lower-case words joined by '.' or '-', like 'com.example.notes'";
  const first = id.split(/[.-]/, 1)[0] as string;
  // The host may emit `host:`; a plugin with that name could pose as the host.
  if (first === 'host' || RESERVED_SEGMENTS.has(first))
    return `ids that start with '${first}' belong to the kernel`;
  return undefined;
}

/** Whether a text names a command, event or hook of a plugin. */
export function isMemberName(name: string): boolean {
  return name.length <= MAX_ID && MEMBER.test(name);
}

/** `com.example.notes@1` → its id and major version, or undefined when malformed. */
export function parseContractId(
  id: string,
): { readonly base: string; readonly major: number } | undefined {
  // In plain JavaScript it may be anything.
  if (typeof id !== 'string' || id.length > MAX_ID + 8) return undefined;
  const match = CONTRACT_ID.exec(id);
  return match === null ? undefined : { base: match[1] as string, major: Number(match[2]) };
}

/** The part of a wire id before its colon: the owner of `com.example.notes:add`. */
export function ownerOf(wireId: string): string {
  const colon = wireId.indexOf(':');
  return colon === -1 ? wireId : wireId.slice(0, colon);
}

/** Whether a contract or wire id has no owner, so that any number of plugins may provide it. */
export const isOpen = (id: string): boolean => id.startsWith('plinth.');

/** The contract for handlers of messages that name no receiver. */
export const MESSAGE_HANDLER = 'plinth.message-handler';

/** The command by which a plugin takes messages that are sent to it. */
export const messageMember = (plugin: string): string => `${plugin}:onMessage`;

/** Splits a wire id that names its provider, `<contract>:<member>@<plugin id>`. */
export function addressOf(wireId: string): {
  readonly id: string;
  readonly provider: string | undefined;
} {
  const at = wireId.indexOf('@');
  return at === -1
    ? { id: wireId, provider: undefined }
    : { id: wireId.slice(0, at), provider: wireId.slice(at + 1) };
}

/**
 * Whether a text may be the topic of an event: `<owner>:<name>` with at most three further colons.
 */
export function isTopic(topic: string): boolean {
  return topic.length <= MAX_TOPIC && /^[a-z][A-Za-z0-9.-]*(:[A-Za-z0-9._-]+){1,4}$/.test(topic);
}

/**
 * Whether a text is a topic or a pattern of topics. A `*` may only end a pattern and stands for any
 * rest: `user:*`, `com.example.*`, `*`.
 */
export function isPattern(pattern: string): boolean {
  if (pattern.length > MAX_TOPIC) return false;
  return /^[a-z][A-Za-z0-9.:_-]*\*?$/.test(pattern) || pattern === '*';
}

/** Whether a pattern (exact, or a prefix that ends in `*`) covers an id. */
export function covers(pattern: string, id: string): boolean {
  return pattern.endsWith('*') ? id.startsWith(pattern.slice(0, -1)) : pattern === id;
}

/** Sorts patterns that cover one id: the wider ones first, the id itself last. */
export function byExactness(a: string, b: string): number {
  const [wideA, wideB] = [a.endsWith('*'), b.endsWith('*')];
  return a.length - Number(wideA) - (b.length - Number(wideB)) || Number(wideB) - Number(wideA);
}

/**
 * Whether `wide` covers every id that `narrow` covers. Used to check a subscription to `user:*`.
 */
export function coversPattern(wide: string, narrow: string): boolean {
  if (!narrow.endsWith('*')) return covers(wide, narrow);
  return wide.endsWith('*') && narrow.startsWith(wide.slice(0, -1));
}

/**
 * Name of the file beside `plugin.json` that holds its signature. It lists every file but itself.
 */
export const SIGNATURE_FILE = 'plugin.sig.json';
