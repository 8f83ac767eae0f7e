/** What a frame says to the host. It may call its own plugin, and ask that the focus leaves it. */
import { refuse } from './fault.js';

/** Characters of a message. */
export const MESSAGE_MOST = 1_000_000;
/** Messages of a frame in a second, and their characters: the page reads them in its own thread. */
const PACE = 1_000;
const PACE_CHARACTERS = 4_000_000;
/** Its calls without an answer that it has heard, and messages to it that it hasn't. */
const OPEN_MOST = 32;
const UNHEARD_MOST = 16;
const NAME_MOST = 256;
const SECOND = 1_000;
/** As the host's script writes it. */
const HEARD = /^\["heard",(\d{1,10})\]$/;
const HEARD_MOST = 24;

/** What a frame may do. */
export interface FrameDeeds {
  ready(): void;
  leave(): void;
  /** Calls the plugin. Both texts are JSON. */
  call(name: string, input: string): Promise<string>;
  /** It has broken the rules. */
  refused(error: Error): void;
}

/** Owns the host's end of a frame's port. */
export class FramePort {
  readonly #port: MessagePort;
  readonly #deeds: FrameDeeds;
  /** What the frame hasn't heard yet, by a mark that it can't guess. */
  readonly #unheard = new Map<number, () => void>();
  #messages = 0;
  #look = '';
  #open = 0;
  #since = 0;
  #count = 0;
  #characters = 0;

  constructor(port: MessagePort, deeds: FrameDeeds) {
    this.#port = port;
    this.#deeds = deeds;
    port.onmessage = ({ data }) => {
      try {
        this.#hear(data);
      } catch (error) {
        this.end();
        deeds.refused(error as Error);
      }
    };
  }

  /**
   * Sends a message of the plugin, which is JSON. Resolves when the frame may get another one: what
   * it doesn't hear must not pile up in front of it.
   */
  async message(text: string): Promise<void> {
    this.#messages += 1;
    const heard = new Promise<void>((resolve) => {
      this.#post('message', 0, text, () => {
        this.#messages -= 1;
        resolve();
      });
    });
    if (this.#messages >= UNHEARD_MOST) await heard;
  }

  /** Asks whether the frame still listens. */
  ping(heard: () => void): void {
    this.#post('ping', 0, 'null', heard);
  }

  /** Sends names of the look and their values, if they are others than before. */
  look(tokens: Readonly<Record<string, string>>): void {
    const text = JSON.stringify(tokens);
    if (text !== this.#look) this.#port.postMessage(`["look",0,${text}]`);
    this.#look = text;
  }

  end(): void {
    this.#port.onmessage = null;
    this.#port.close();
    // What waits for the frame waits no longer.
    for (const heard of [...this.#unheard.values()]) heard();
    this.#unheard.clear();
  }

  /** @throws ViewRefused */
  #hear(data: unknown): void {
    // As many as the host has sent: they say nothing of the pace of the frame.
    if (typeof data === 'string' && this.#heard(data)) return;
    const now = performance.now();
    if (now - this.#since > SECOND) [this.#since, this.#count, this.#characters] = [now, 0, 0];
    this.#count += 1;
    if (this.#count > PACE) refuse(`a frame sends at most ${PACE} messages a second`);
    if (typeof data !== 'string' || data.length > MESSAGE_MOST)
      refuse(`a message of a frame is a text of at most ${MESSAGE_MOST} characters`);
    this.#characters += data.length;
    if (this.#characters > PACE_CHARACTERS)
      refuse(`a frame sends at most ${PACE_CHARACTERS} characters a second`);
    const [kind, id, name, input] = listOf(data);
    if (kind === 'ready') this.#deeds.ready();
    else if (kind === 'leave') this.#deeds.leave();
    else if (kind !== 'call' || !Number.isSafeInteger(id)) refuse('it is no message of a frame');
    else if (typeof name !== 'string' || name.length > NAME_MOST || typeof input !== 'string')
      refuse('a call of a frame has a name and an input');
    else void this.#call(id as number, name, input);
  }

  async #call(id: number, name: string, input: string): Promise<void> {
    const fail = (message: string, heard?: () => void) =>
      this.#post('error', id, JSON.stringify(message), heard);
    if (this.#open >= OPEN_MOST) return fail(`${OPEN_MOST} calls are open already`);
    this.#open += 1;
    // A call is over when its answer was heard.
    const over = () => {
      this.#open -= 1;
    };
    try {
      const answer: unknown = await this.#deeds.call(name, input);
      if (typeof answer !== 'string' || answer.length > MESSAGE_MOST)
        fail(`an answer has at most ${MESSAGE_MOST} characters`, over);
      else this.#post('answer', id, answer, over);
    } catch (error) {
      fail((error as Error).message, over);
    }
  }

  /** @param text JSON. */
  #post(kind: string, id: number, text: string, heard?: () => void): void {
    if (heard === undefined) return this.#port.postMessage(`["${kind}",${id},${text}]`);
    const [mark = 0] = crypto.getRandomValues(new Uint32Array(1));
    this.#unheard.set(mark, heard);
    this.#port.postMessage(`["${kind}",${id},${text},${mark}]`);
  }

  /** Whether the frame says that it has heard what it was sent. */
  #heard(text: string): boolean {
    const mark = Number(HEARD.exec(text.slice(0, HEARD_MOST))?.[1]);
    const heard = this.#unheard.get(mark);
    this.#unheard.delete(mark);
    heard?.();
    return heard !== undefined;
  }
}

function listOf(text: string): readonly unknown[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    refuse('a message of a frame is JSON');
  }
  return Array.isArray(list) ? list : refuse('a message of a frame is a list');
}
