/**
 * A plugin as a link: its manifest and its code in the fragment of the address, which no server
 * sees. What a link holds was written by anyone, so each step has a bound.
 */

/** What the editor edits: two texts. */
export interface Draft {
  /** The text of `plugin.json`. */
  readonly manifest: string;
  /** TypeScript. */
  readonly code: string;
}

/** Characters of a link beyond which programs that pass it on may cut it. */
export const LONG_LINK = 32_000;
/** Characters of the most that is read of a link. */
const MOST_PACKED = 96_000;
/** Bytes of the most that it may unpack to. */
const MOST_UNPACKED = 400_000;
/** Bytes that are unpacked at a time. A byte becomes at most a thousand. */
const SLICE = 256;
const VERSION = 1;
const PANEL = '#/editor';
const PARAMETER = `${PANEL}?code=`;

/** The fragment that holds a draft. */
export async function linkOf({ manifest, code }: Draft): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify({ v: VERSION, manifest, code }));
  if (text.length > MOST_UNPACKED) throw new Error('the plugin is too large for a link');
  const packed = await bytesOf(new Blob([text]).stream(), new CompressionStream('deflate-raw'));
  const link = PARAMETER + base64Url(packed);
  if (link.length > MOST_PACKED) throw new Error('the plugin is too large for a link');
  return link;
}

/** What a fragment holds, before it is unpacked. Undefined when it holds nothing. */
export function packedIn(hash: string): string | undefined {
  return hash.startsWith(PARAMETER) ? hash.slice(PARAMETER.length) : undefined;
}

/**
 * Unpacks what a link holds.
 *
 * @throws Error that says what is wrong with the link.
 */
export async function unpack(packed: string): Promise<Draft> {
  if (packed.length > MOST_PACKED) throw new Error('the link is longer than any that is made here');
  if (!/^[\w-]*$/.test(packed)) throw new Error('the link has characters that none is made of');
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = bytesIn(packed);
  } catch {
    throw new Error('the link is cut off or damaged');
  }
  return draftIn(await inflated(bytes));
}

async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  let at = 0;
  const slices = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull(controller) {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.subarray(at, at + SLICE));
        at += SLICE;
      },
    },
    { highWaterMark: 0 },
  );
  let unpacked: Uint8Array;
  try {
    unpacked = await bytesOf(slices, new DecompressionStream('deflate-raw'), MOST_UNPACKED);
  } catch (error) {
    if (error instanceof TooMuch) throw new Error('the link unpacks to more than a plugin has');
    throw new Error('the link is cut off or damaged');
  }
  return new TextDecoder().decode(unpacked);
}

/** Reading has gone beyond its bound. */
class TooMuch extends Error {}

/** Reads what a stream becomes. Nothing is read beyond the bound. */
async function bytesOf(
  source: ReadableStream<Uint8Array<ArrayBuffer>>,
  change: CompressionStream | DecompressionStream,
  most = Number.POSITIVE_INFINITY,
): Promise<Uint8Array> {
  const reader = source.pipeThrough(change).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw new TooMuch();
    }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function draftIn(text: string): Draft {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('the link holds no plugin');
  }
  const { v, manifest, code } = (value ?? {}) as Partial<Record<'v' | keyof Draft, unknown>>;
  if (typeof v === 'number' && v > VERSION)
    throw new Error('the link was made by a later version of this page');
  if (v !== VERSION || typeof manifest !== 'string' || typeof code !== 'string')
    throw new Error('the link holds no plugin');
  return { manifest, code };
}

function base64Url(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function bytesIn(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
