/** A second kernel of the page: the same plugin files, each in a sandbox, with data in memory. */
import { createKernel, type Kernel, memoryStorage } from '@plinth/host-browser';
import { demoPlugins } from './playground-kernel.ts';

/** Makes and starts it. The caller stops it. */
export async function startSandboxKernel(): Promise<Kernel> {
  const kernel = await createKernel({
    sources: [demoPlugins()],
    storage: memoryStorage(),
    isolation: 'sandbox',
    // What its plugins log is no news: the first kernel runs the same ones.
    telemetry: { log: false },
  });
  try {
    await kernel.start();
    return kernel;
  } catch (error) {
    await kernel.stop();
    throw error;
  }
}
