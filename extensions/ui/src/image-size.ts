/** Reads the type and the size of an image from its first bytes, before a browser decodes it. */

/** A known image. */
export interface ImageFacts {
  readonly type: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp';
  readonly width: number;
  readonly height: number;
}

/** Undefined for anything that is not one of the four types. */
export function imageFacts(bytes: Uint8Array): ImageFacts | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return png(view) ?? gif(view) ?? webp(view) ?? jpeg(view);
  } catch (error) {
    // The file ends inside of its own header.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const ascii = (view: DataView, at: number, text: string): boolean =>
  [...text].every((letter, index) => view.getUint8(at + index) === letter.charCodeAt(0));

function png(view: DataView): ImageFacts | undefined {
  if (view.getUint32(0) !== 0x89504e47 || !ascii(view, 12, 'IHDR')) return undefined;
  return { type: 'image/png', width: view.getUint32(16), height: view.getUint32(20) };
}

function gif(view: DataView): ImageFacts | undefined {
  if (!ascii(view, 0, 'GIF8')) return undefined;
  return { type: 'image/gif', width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

function webp(view: DataView): ImageFacts | undefined {
  if (!ascii(view, 0, 'RIFF') || !ascii(view, 8, 'WEBP')) return undefined;
  const made = (width: number, height: number): ImageFacts => ({
    type: 'image/webp',
    width,
    height,
  });
  if (ascii(view, 12, 'VP8 '))
    return made(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
  if (ascii(view, 12, 'VP8L')) {
    const bits = view.getUint32(21, true);
    return made((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
  }
  if (!ascii(view, 12, 'VP8X')) return undefined;
  const three = (at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 65_536 + 1;
  return made(three(24), three(27));
}

/** Segments that hold the size: SOF0 to SOF15, without tables. */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

function jpeg(view: DataView): ImageFacts | undefined {
  if (view.getUint16(0) !== 0xffd8) return undefined;
  let at = 2;
  for (;;) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (isFrame(marker))
      return {
        type: 'image/jpeg',
        width: view.getUint16(at + 7),
        height: view.getUint16(at + 5),
      };
    // A segment counts its own two bytes of length, so the walk always moves on.
    at += 2 + Math.max(2, view.getUint16(at + 2));
  }
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * The `data:` URL of an image as base64, or undefined for what is none or is too large.
 *
 * @param most characters of base64.
 * @param side pixels of width and of height.
 */
export function imageUrl(data: unknown, most: number, side: number): string | undefined {
  if (typeof data !== 'string' || data.length > most || !BASE64.test(data)) return undefined;
  let decoded: string;
  try {
    decoded = atob(data);
  } catch {
    // Not a whole number of groups.
    return undefined;
  }
  const facts = imageFacts(Uint8Array.from(decoded, (letter) => letter.charCodeAt(0)));
  if (facts === undefined || facts.width < 1 || facts.height < 1) return undefined;
  return facts.width <= side && facts.height <= side
    ? `data:${facts.type};base64,${data}`
    : undefined;
}
