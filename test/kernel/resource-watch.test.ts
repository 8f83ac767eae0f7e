/**
 * The watch over resource limits, with guests that exist only as objects: which ones it ends, and
 * that nothing is left afterwards.
 */
import type { Manifest } from '@plinth/sdk/contract';
import type { Link } from '@plinth/sdk/rpc';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ResourcePolicy } from '../../kernel/src/extensions/limits/resource-policy.ts';
import { ResourceWatch } from '../../kernel/src/extensions/limits/resource-watch.ts';
import type { MeteredGuest } from '../../kernel/src/guests/guest-meter.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const watchOf = (policy: ResourcePolicy, suspend = async () => {}) => {
  const resumed: unknown[] = [];
  const watch = new ResourceWatch({
    policy,
    log: { write() {} } as never,
    announce() {},
    suspend,
    resume: async (guest) => void resumed.push(guest),
  });
  const ended: string[] = [];
  const guestOf = (id: string, memory = 0, resources: object = {}) => {
    let held = false;
    const guest: MeteredGuest = {
      link: {
        hold() {
          held = true;
        },
        release() {
          held = false;
        },
        serving: 0,
      } as Partial<Link> as Link,
      usage: async () => ({ memory }),
      endBecause() {
        ended.push(id);
        watch.ended(meter);
      },
    };
    const meter = watch.meter({ id, resources } as Manifest, undefined, guest);
    watch.started(meter);
    return { meter, guest, held: () => held };
  };
  return { watch, ended, resumed, guestOf };
};
const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);

it('usage of a guest that has just been ended is not counted for another', async () => {
  const { ended, guestOf } = watchOf({
    plugins: { small: { memory: '100MB' } },
    tenant: { memory: '300MB' },
  });
  guestOf('small', 140_000_000);
  guestOf('large', 200_000_000);
  await seconds(5);
  expect(ended).toEqual(['small']);
});

it('nothing is left of a guest that ends while it is suspended', async () => {
  const { watch, guestOf } = watchOf({ default: { messages: 1 }, patience: 1_000, pause: 60_000 });
  const { meter } = guestOf('one');
  for (let n = 0; n < 5; n++) meter.note();
  await seconds(1);
  watch.ended(meter);
  expect(vi.getTimerCount()).toBe(0);
});

it('resumes only after it was suspended, and not when it has ended meanwhile', async () => {
  let done = () => {};
  const { watch, guestOf, resumed } = watchOf(
    { default: { messages: 1 }, patience: 1_000, pause: 100 },
    () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      done = resolve;
      return promise;
    },
  );
  const { meter, guest } = guestOf('one');
  for (let n = 0; n < 5; n++) meter.note();
  await seconds(2);
  expect(resumed).toEqual([]);
  done();
  await seconds(1);
  expect(resumed).toEqual([guest]);
  for (let n = 0; n < 5; n++) meter.note();
  await seconds(1);
  watch.close();
  done();
  await seconds(1);
  expect([resumed.length, vi.getTimerCount()]).toEqual([1, 0]);
});

it('no guest is throttled any more once the watch is closed', () => {
  const { watch, guestOf } = watchOf({ default: { messages: 1 } });
  const { meter, held } = guestOf('one');
  for (let n = 0; n < 5; n++) meter.note();
  expect(held()).toBe(true);
  watch.close();
  expect(held()).toBe(false);
  for (let n = 0; n < 5; n++) meter.note();
  expect(held()).toBe(false);
});

it('measures only while a guest has limits', async () => {
  const { watch, guestOf } = watchOf({ plugins: { limited: { messages: 1 } } });
  guestOf('free');
  expect(vi.getTimerCount()).toBe(0);
  const { meter } = guestOf('limited');
  await seconds(3);
  expect(vi.getTimerCount()).toBe(1);
  watch.ended(meter);
  expect(vi.getTimerCount()).toBe(0);
});
