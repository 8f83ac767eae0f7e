/** Topics of the kernel's own events. */
import { expect, it } from 'vitest';
import { checkKernelTopic } from '../../kernel/src/events/kernel-topics.ts';

it.each(['plugin:activated', 'plugin:*', 'app:anything', 'test.a:*', '*', 'host:x'])(
  'a listener of %s is accepted',
  (pattern) => {
    expect(() => checkKernelTopic(pattern)).not.toThrow();
  },
);

it('a topic that the kernel does not have is refused, with the nearest one', () => {
  expect(() => checkKernelTopic('plugin:activate')).toThrow(
    expect.objectContaining({
      code: 'event/invalid',
      message: expect.stringContaining("did you mean 'plugin:activated'?"),
      details: { topic: 'plugin:activate' },
    }),
  );
});

it('a pattern that covers no topic of the kernel is refused', () => {
  expect(() => checkKernelTopic('plugin:activatedX*')).toThrow();
});
