/** Checks of `MessageHandler`. */
import type { Client } from '../contract/contract-types.js';
import { MessageHandler } from '../contracts/message-handler.js';
import { type Check, type Checks, checksOf, ensure, keyOf } from './check.js';

/** Samples for the checks of a `MessageHandler`. */
export interface MessageHandlerSamples {
  /** Messages for this handler. Each is handled, more than once. */
  readonly mine: readonly unknown[];
  /** Messages for other handlers. */
  readonly foreign: readonly unknown[];
  /**
   * Asks the hook, with no other provider present.
   *
   * @example
   * ask: (message) => kernel.hooks.collect(MessageHandler.canHandle, message)
   */
  ask(message: unknown): Promise<readonly number[]>;
}

/** Milliseconds after which a kernel skips a handler. */
const HANDLER_TIMEOUT = 1_000;

/** Every handler is asked about every message, including these. */
const UNUSUAL: readonly unknown[] = [
  undefined,
  null,
  '',
  ' ',
  0,
  Number.NaN,
  true,
  [],
  {},
  { text: null },
  [[['x']]],
  new Date(0),
  new Map(),
  'x'.repeat(10_000),
];

/** The checks of one `MessageHandler`. */
export function messageHandlerChecks(
  client: Client<typeof MessageHandler>,
  samples: MessageHandlerSamples,
): readonly Check[] {
  return checksOf(MessageHandler, {
    ...scores(samples),
    ...steadiness(samples),
    ...handling(client, samples),
  });
}

/** Checks of what `canHandle()` answers. */
function scores({ mine, foreign, ask }: MessageHandlerSamples): Checks {
  return {
    'canHandle() answers each message with a number from 0 to 1': async () => {
      for (const message of [...mine, ...foreign]) {
        const score = await scoreOf(ask, message);
        ensure(isScore(score), `canHandle() answered ${score} about ${shorten(message)}`);
      }
    },
    'canHandle() takes messages of every kind': async () => {
      for (const message of UNUSUAL) {
        const score = await scoreOf(ask, message);
        ensure(isScore(score), `canHandle() answered ${score} about ${shorten(message)}`);
      }
    },
    'canHandle() is surer of its own messages than of any other': async () => {
      ensure(mine.length > 0, 'there is no message to check with: `mine` is empty');
      const own = await Promise.all(mine.map((message) => scoreOf(ask, message)));
      const other = await Promise.all(foreign.map((message) => scoreOf(ask, message)));
      for (const [index, score] of own.entries()) {
        ensure(score > 0, `canHandle() answered 0 about its own ${shorten(mine[index])}`);
        const rival = other.findIndex((one) => one >= score);
        ensure(
          rival < 0,
          `canHandle() is as sure of the foreign ${shorten(foreign[rival])} as of its own ${shorten(mine[index])}`,
          { own: score, foreign: other[rival] },
        );
      }
    },
  };
}

/** Checks of whether `canHandle()` answers alike each time, and in time. */
function steadiness({ mine, foreign, ask }: MessageHandlerSamples): Checks {
  return {
    'canHandle() answers the same again, also when it is asked at once': async () => {
      for (const message of [...mine, ...foreign]) {
        const first = await scoreOf(ask, message);
        const again = await Promise.all(
          [message, message, message].map((one) => scoreOf(ask, one)),
        );
        ensure(
          again.every((score) => score === first),
          `canHandle() changed its mind about ${shorten(message)}`,
          { first, again },
        );
      }
    },
    'canHandle() answers before it is passed over': async () => {
      for (const message of [...mine, ...foreign]) {
        const asked = performance.now();
        await scoreOf(ask, message);
        ensure(
          performance.now() - asked < HANDLER_TIMEOUT,
          `canHandle() took longer than ${HANDLER_TIMEOUT} ms about ${shorten(message)}`,
        );
      }
    },
  };
}

/** Checks of `handle()`. */
function handling(client: Client<typeof MessageHandler>, { mine }: MessageHandlerSamples): Checks {
  return {
    'handle() answers its own messages': async () => {
      for (const message of mine) await client.handle(message);
    },
    'handle() answers messages that come at once': async () => {
      await Promise.all(mine.map((message) => client.handle(message)));
    },
  };
}

/** The one answer of the one handler that is asked. */
async function scoreOf(ask: MessageHandlerSamples['ask'], message: unknown): Promise<number> {
  const scores = await ask(message);
  const said = `about ${shorten(message)}`;
  ensure(scores.length > 0, `canHandle() failed or didn't answer ${said}`);
  ensure(scores.length === 1, `${scores.length} handlers were asked ${said}: check one at a time`);
  return scores[0] as number;
}

function isScore(score: unknown): boolean {
  return typeof score === 'number' && score >= 0 && score <= 1;
}

function shorten(message: unknown): string {
  const text = keyOf(message);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
