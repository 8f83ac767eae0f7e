/** The checks that every provider of `MessageHandler` has to pass. */
import { after, test } from 'node:test';
import { MessageHandler } from '@plinth/sdk/contracts';
import { contractChecks, createTestKernel } from '@plinth/sdk/testing';
import { units } from '../plugin.ts';

const kernel = await createTestKernel({ plugins: [units] });
after(() => kernel.stop());

for (const { name, run } of contractChecks(MessageHandler, kernel.client(MessageHandler), {
  mine: ['3 km in mi', '0.5 m in km'],
  foreign: ['/weather', '3 km', 7, { value: 3 }],
  ask: (message) => kernel.hooks.collect(MessageHandler.canHandle, message),
}))
  test(name, run);
