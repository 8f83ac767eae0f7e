/** What a frame says to the host. It may call its own plugin, and ask that the focus leaves it. */
import { refuse } from './fault.js';

/** Characters of a message. */
export const MESSAGE_MOST = 1_000_000;
/** Messages of a frame in a second, and its calls that wait for an answer. */
const PACE = 500;
const OPEN_MOST = 32;
const NAME_MOST = 256;
const SECOND = 1_000;

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
  #open = 0;
  #since = 0;
  #count = 0;

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

  /** Sends a message of the plugin, which is JSON. */
  message(text: string): void {
    this.#port.postMessage(`["message",0,${text}]`);
  }

  /** Sends names of the look and their values. */
  look(tokens: Readonly<Record<string, string>>): void {
    this.#port.postMessage(JSON.stringify(['look', 0, tokens]));
  }

  end(): void {
    this.#port.onmessage = null;
    this.#port.close();
  }

  /** @throws ViewRefused */
  #hear(data: unknown): void {
    const now = performance.now();
    if (now - this.#since > SECOND) [this.#since, this.#count] = [now, 0];
    this.#count += 1;
    if (this.#count > PACE) refuse(`a frame sends at most ${PACE} messages a second`);
    if (typeof data !== 'string' || data.length > MESSAGE_MOST)
      refuse(`a message of a frame is a text of at most ${MESSAGE_MOST} characters`);
    const [kind, id, name, input] = listOf(data);
    if (kind === 'ready') this.#deeds.ready();
    else if (kind === 'leave') this.#deeds.leave();
    else if (kind !== 'call' || !Number.isSafeInteger(id)) refuse('it is no message of a frame');
    else if (typeof name !== 'string' || name.length > NAME_MOST || typeof input !== 'string')
      refuse('a call of a frame has a name and an input');
    else void this.#call(id as number, name, input);
  }

  async #call(id: number, name: string, input: string): Promise<void> {
    if (this.#open >= OPEN_MOST) return this.#fail(id, `${OPEN_MOST} calls are open already`);
    this.#open += 1;
    try {
      const answer: unknown = await this.#deeds.call(name, input);
      if (typeof answer !== 'string' || answer.length > MESSAGE_MOST)
        this.#fail(id, `an answer has at most ${MESSAGE_MOST} characters`);
      else this.#port.postMessage(`["answer",${id},${answer}]`);
    } catch (error) {
      this.#fail(id, (error as Error).message);
    } finally {
      this.#open -= 1;
    }
  }

  #fail(id: number, message: string): void {
    this.#port.postMessage(JSON.stringify(['error', id, message]));
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
