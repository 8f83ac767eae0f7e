/**
 * Private memory of an idle guest compared with an empty worker: bytes before and after twenty more
 * of one kind. Each in a fresh process, because pages that an earlier worker has freed hide half of
 * what the next one takes.
 */
import { createKernel, packageOf, packageSource } from '@plinth/kernel';
import { packageFor } from '../guest-code.ts';
import { megabytes, type Outcomes, ratioFigure } from '../outcome.ts';
import { asking, type Platform } from '../platform.ts';
import { sideBySide } from '../statistics.ts';

export type MemoryKind = 'guest' | 'empty';

const MORE = 20;

/** @param probe starts a fresh process with workers of one kind. Returns bytes per worker. */
export async function measureMemory(
  rounds: number,
  probe: (kind: MemoryKind) => Promise<number>,
): Promise<Outcomes> {
  const bytes = await sideBySide(
    rounds,
    () => probe('guest'),
    () => probe('empty'),
  );
  return { idle: ratioFigure(bytes.plinth, bytes.raw, megabytes) };
}

/**
 * Starts the first worker, which includes shared costs, then the others. Returns bytes per worker.
 */
export async function bytesPerWorker(
  read: () => Promise<number>,
  start: (howMany: number) => Promise<void>,
): Promise<number> {
  await start(1);
  const before = await read();
  await start(MORE);
  return ((await read()) - before) / MORE;
}

/** Starts the given number of idle workers of one kind in this process and keeps them. */
export async function workersOf(
  kind: MemoryKind,
  platform: Platform,
): Promise<(howMany: number) => Promise<void>> {
  return kind === 'guest'
    ? idleGuests(platform)
    : async (howMany) =>
        void (await Promise.all(Array.from({ length: howMany }, () => startEmpty(platform))));
}

async function startEmpty(platform: Platform): Promise<void> {
  await asking(platform.startWorker('listen(post);'))('here');
}

async function idleGuests(platform: Platform): Promise<(howMany: number) => Promise<void>> {
  const kernel = await createKernel({ host: platform.createHost(0), sources: [packageSource([])] });
  await kernel.start();
  let last = 0;
  const startOne = async () => {
    const id = `bench.idle${++last}`;
    await kernel.plugins.install(packageOf(packageFor(id, 'export default { activate() {} };')));
    await kernel.plugins.activate(id);
  };
  return async (howMany) => void (await Promise.all(Array.from({ length: howMany }, startOne)));
}
