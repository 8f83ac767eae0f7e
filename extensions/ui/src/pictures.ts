/**
 * Images by URL. The host fetches their bytes for the plugin, within its `network.fetch`, and the
 * view sends them as its own. So no address of a plugin is ever an `src` of the page.
 */
import type { PluginContext } from '@plinth/sdk';

/** What loads images. */
export type PictureContext = Pick<PluginContext, 'fetch' | 'logger'>;

/** Images of one plugin, and how many of them are fetched at once. */
const MOST = 200;
const AT_ONCE = 4;
/** Bytes of an image: 700 000 characters of base64. */
const LARGEST = 525_000;
/**
 * Milliseconds after which one that was not asked for again may make room. What is in sight is asked
 * for at each change, also while its user scrolls.
 */
const UNUSED = 5_000;
/** Milliseconds after which one that has failed has another try. */
const AGAIN = 60_000;
const ACCEPT = 'image/png, image/jpeg, image/gif, image/webp';
/** Bytes that are made text in one piece. */
const PIECE = 0x4000;

interface Picture {
  /** Base64. Undefined until it is there, or when it can't be. */
  data: string | undefined;
  failed: boolean;
  used: number;
  readonly waiting: Set<() => void>;
}

/** Owns the images that a plugin has loaded. */
export class Pictures {
  readonly #ctx: PictureContext;
  readonly #known = new Map<string, Picture>();
  readonly #queue: (() => Promise<void>)[] = [];
  #running = 0;

  constructor(ctx: PictureContext) {
    this.#ctx = ctx;
  }

  /** The image, if it is there. Else it is loaded, and `came` is called once. */
  get(url: string, came: () => void): string | undefined {
    const now = Date.now();
    let picture = this.#known.get(url);
    if (picture?.failed === true && now - picture.used > AGAIN) picture = undefined;
    if (picture === undefined) {
      if (!this.#hasRoom(url, now)) return undefined;
      picture = { data: undefined, failed: false, used: now, waiting: new Set() };
      this.#known.set(url, picture);
      const begun = picture;
      this.#queue.push(() => this.#load(url, begun));
      this.#next();
    }
    if (picture.failed) return undefined;
    picture.used = now;
    if (picture.data === undefined) picture.waiting.add(came);
    return picture.data;
  }

  #hasRoom(url: string, now: number): boolean {
    if (this.#known.size < MOST || this.#known.has(url)) return true;
    const [oldest] = [...this.#known].sort(([, one], [, other]) => one.used - other.used);
    if (oldest === undefined || now - oldest[1].used <= UNUSED) return false;
    return this.#known.delete(oldest[0]);
  }

  #next(): void {
    while (this.#running < AT_ONCE) {
      const work = this.#queue.shift();
      if (work === undefined) return;
      this.#running += 1;
      void work().finally(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }

  async #load(url: string, picture: Picture): Promise<void> {
    try {
      const response = await this.#ctx.fetch(url, { headers: { accept: ACCEPT } });
      if (!response.ok) throw new Error(`the answer is ${response.status}`);
      const bytes = await response.bytes();
      if (bytes.length > LARGEST)
        throw new Error(`it has ${bytes.length} bytes, and an image has at most ${LARGEST}`);
      picture.data = base64(bytes);
    } catch (error) {
      picture.failed = true;
      picture.used = Date.now();
      this.#ctx.logger.warn(`the image ${url.slice(0, 200)} is not shown: ${String(error)}`);
    }
    for (const came of [...picture.waiting]) came();
    picture.waiting.clear();
  }
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE)
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return btoa(text);
}
