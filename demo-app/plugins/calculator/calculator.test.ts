/** The calculator in a worker, as one of several message handlers. */

import type { Kernel } from '@plinth/kernel';
import { MessageHandler } from '@plinth/sdk/contracts';
import { contractChecks } from '@plinth/sdk/testing';
import { afterEach, expect, test } from 'vitest';
import { startBuilt } from '../../testing/demo-kernel.ts';

const kernels: Kernel[] = [];
const start = async () => {
  const kernel = await startBuilt(['calculator']);
  kernels.push(kernel);
  return kernel;
};

afterEach(async () => {
  await Promise.all(kernels.splice(0).map((kernel) => kernel.stop()));
});

const mine = ['1 + 1', '2 * (3 + 4)', '= 42', '-2 ^ 2 - (1)'];
const foreign = [
  'hello',
  '/weather in Rome',
  '1 +',
  '5 apples',
  '2026',
  '1 / 0',
  '(1',
  7,
  { text: '1 + 1' },
];

test('it is a MessageHandler', async () => {
  const kernel = await start();
  const ask = (message: unknown) => kernel.hooks.collect(MessageHandler.canHandle, message);
  for (const { run } of contractChecks(MessageHandler, kernel.client(MessageHandler), {
    mine,
    foreign,
    ask,
  }))
    await run();
});

test.each([
  ['2 + 3 * 4', 14],
  ['(2 + 3) * 4', 20],
  ['2 - 3 - 4', -5],
  ['8 / 4 / 2', 1],
  ['2 ^ 3 ^ 2', 512],
  ['-2 ^ 2', -4],
  ['2 ^ -1', 0.5],
  ['= 1.5 * 2', 3],
])('%s is %d', async (sum, result) => {
  expect(await (await start()).messaging.route(sum)).toEqual({ result });
});

test.each(['', '()', '1 2', '1 / 0', '1 + x', '('.repeat(5_000)])(
  '%s has no result',
  async (text) => {
    const kernel = await start();
    await expect(kernel.messaging.route(text)).rejects.toMatchObject({
      code: 'message/no-handler',
    });
    await expect(kernel.messaging.send('demo.calculator', text)).rejects.toThrow('not a sum');
  },
);
