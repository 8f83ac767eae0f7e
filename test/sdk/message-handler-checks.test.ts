/** The checks of `MessageHandler` find the faults they are for. */
import { MessageHandler } from '@plinth/sdk/contracts';
import { alternate, contractChecks, prove, wait } from './prove.ts';

interface Parts {
  canHandle(message: unknown): number | Promise<number>;
  handle(message: unknown): unknown;
}

const isMine = (message: unknown) => typeof message === 'string' && message.startsWith('/weather');
const sound: Parts = { canHandle: (message) => (isMine(message) ? 0.9 : 0), handle: () => 'sunny' };
const ofOwn = (score: () => number | Promise<number>): Partial<Parts> => ({
  canHandle: (message) => (isMine(message) ? score() : 0),
});
let handling = 0;

prove<typeof MessageHandler, Parts>({
  contract: MessageHandler,
  implement: (parts) => ({ ...sound, ...parts }),
  checks: (kernel) =>
    contractChecks(MessageHandler, kernel.client(MessageHandler), {
      mine: ['/weather', '/weather in Rome'],
      foreign: ['/news', 7, { weather: true }],
      ask: (message) => kernel.hooks.collect(MessageHandler.canHandle, message),
    }),
  mutants: [
    [
      'a score above 1',
      ofOwn(() => 2),
      'canHandle() answers each message with a number from 0 to 1',
    ],
    [
      'a score that is no number',
      ofOwn(() => Number.NaN),
      'canHandle() answers each message with a number from 0 to 1',
    ],
    [
      'a text as score',
      ofOwn(() => '0.9' as unknown as number),
      'canHandle() answers each message with a number from 0 to 1',
    ],
    [
      'only texts can be asked about',
      { canHandle: (message) => ((message as string).startsWith('/weather') ? 0.9 : 0) },
      'canHandle() takes messages of every kind',
    ],
    [
      'a score below 0 for what is empty',
      { canHandle: (message) => (message === '' ? -1 : sound.canHandle(message)) },
      'canHandle() takes messages of every kind',
    ],
    [
      'never sure',
      { canHandle: () => 0 },
      'canHandle() is surer of its own messages than of any other',
    ],
    [
      'as sure of everything',
      { canHandle: () => 0.9 },
      'canHandle() is surer of its own messages than of any other',
    ],
    [
      'surer of objects',
      { canHandle: (message) => (typeof message === 'object' ? 1 : sound.canHandle(message)) },
      'canHandle() is surer of its own messages than of any other',
    ],
    [
      'changes its mind',
      ofOwn(alternate(0.8, 0.9)),
      'canHandle() answers the same again, also when it is asked at once',
    ],
    [
      'takes too long to know',
      ofOwn(() => wait(1_100).then(() => 0.9)),
      'canHandle() answers before it is passed over',
    ],
    [
      'handles only one of its messages',
      {
        handle(message) {
          if (message !== '/weather') throw new Error('which weather?');
        },
      },
      'handle() answers its own messages',
    ],
    ['answers what cannot cross', { handle: () => () => {} }, 'handle() answers its own messages'],
    [
      'handles one message at a time',
      {
        async handle() {
          if (handling > 0) throw new Error('busy');
          handling += 1;
          await wait(5);
          handling -= 1;
        },
      },
      'handle() answers messages that come at once',
    ],
  ],
});
