/**
 * Private memory of a kernel with a thousand plugins of which twenty are active, compared with one
 * that has only those twenty. Each in a fresh process. Runs in Node.
 */
import { createKernel } from '@plinth/host-node';
import { sleepers } from '../many.ts';
import { megabytes, type Outcomes, ratioFigure } from '../outcome.ts';
import { writePlugins } from '../plugin-folder.ts';
import { sideBySide } from '../statistics.ts';

const INSTALLED = 1_000;
const ACTIVE = 20;

/**
 * @param probe starts a fresh process with a kernel over the plugins of a folder. Returns the bytes
 * that it added.
 */
export async function measureAsleep(
  rounds: number,
  probe: (folder: string, installed: number) => Promise<number>,
): Promise<Outcomes> {
  // The first ones depend only on each other, so that they start no others.
  const plugins = sleepers(INSTALLED).map((manifest, n) =>
    n < ACTIVE ? { ...manifest, activation: ['startup'] } : manifest,
  );
  const many = writePlugins(plugins);
  const few = writePlugins(plugins.slice(0, ACTIVE));
  try {
    const bytes = await sideBySide(
      rounds,
      () => probe(many.path, INSTALLED),
      () => probe(few.path, ACTIVE),
    );
    return { memory: ratioFigure(bytes.plinth, bytes.raw, megabytes) };
  } finally {
    many.remove();
    few.remove();
  }
}

/** Starts a kernel over a folder in this process and keeps it. Returns the bytes that it added. */
export async function bytesOfKernel(
  read: () => Promise<number>,
  folder: string,
  installed: number,
): Promise<number> {
  const before = await read();
  const kernel = await createKernel({ plugins: folder });
  await kernel.start();
  const bytes = (await read()) - before;
  const count = (state?: 'active' | 'resolved') => kernel.plugins.list(state && { state }).length;
  if (
    count() !== installed ||
    count('active') !== ACTIVE ||
    count('resolved') !== installed - ACTIVE
  ) {
    throw new Error(
      `${count()} plugins are installed, ${count('active')} active, ${count('resolved')} resolved`,
    );
  }
  return bytes;
}
