/**
 * The heartbeat over real links: a guest that answers is alive, one that doesn't hangs, and a ping
 * that couldn't be sent proves nothing.
 */
import { endpointPair, Link } from '@plinth/sdk/rpc';
import { expect, it } from 'vitest';
import { Heartbeat } from '../../kernel/src/extensions/supervision/heartbeat.ts';

const side = (endpoint: ReturnType<typeof endpointPair>[0]) =>
  new Link({
    endpoint,
    stacks: false,
    serve: () => undefined,
    note() {},
    control: {},
    onBreach: (error) => expect.unreachable(error.message),
    defer: (task) => void setTimeout(task, 0),
  });

it('a guest whose link was full at a ping is pinged again, and only the one that never answers is hung', async () => {
  const heartbeat = new Heartbeat(10, 60);
  const hung: string[] = [];
  const [busy, itsGuest] = endpointPair();
  const full = side(busy);
  const answers: Promise<void>[] = [];
  const request = () =>
    new Promise<void>((resolve) => full.request(1, 1, 0, { sequence: 0, settle: () => resolve() }));
  // As much as may be in flight and wait: there is no room for a ping any more.
  for (let n = 0; n < 1_024 + 8_192; n++) answers.push(request());
  expect(() => full.request(1, 1, 0, { sequence: 0, settle() {} })).toThrow(
    'too many messages wait',
  );
  const looked = new Promise<void>((resolve) => {
    const once = new Heartbeat(10, 10);
    once.watch({
      link: side(endpointPair()[0]),
      onHung() {
        once.close();
        resolve();
      },
    });
  });
  heartbeat.watch({ link: full, onHung: () => hung.push('full') });
  // Another heartbeat has gone round twice, so the one that found the link full has too.
  await looked;
  side(itsGuest);
  await Promise.all(answers);
  await new Promise<void>((resolve) => {
    heartbeat.watch({
      link: side(endpointPair()[0]),
      onHung() {
        hung.push('silent');
        resolve();
      },
    });
  });
  expect(hung).toEqual(['silent']);
  heartbeat.close();
});
