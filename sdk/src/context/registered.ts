/** What a plugin registers, and how it takes it back. */
import type { Call } from '../contract/call-context.js';

/** A registration; disposing it twice is harmless. */
export interface Registered extends Disposable {
  dispose(): void;
}

/** A handler registered by id. Its input is unknown, or the type the author declares. */
export type LooseHandler = { handle(input: unknown, call: Call): unknown }['handle'];
