/** The playground: creates a kernel and connects it to the page. */
import { createKernel } from '@plinth/host-browser';
import { showCommandForm } from './command-form.ts';
import { byId } from './dom.ts';
import { showEvents } from './event-stream.ts';
import { showHealth } from './health.ts';
import { showPlugins } from './plugin-list.ts';

const NAMES = ['notes', 'search', 'markdown', 'clock', 'rogue'];

try {
  const kernel = await createKernel({
    plugins: NAMES.map((name) => `./plugins/${name}/plugin.json`),
    data: 'plinth-playground',
    // Long enough to watch a plugin hang, and for the rogue's flood on a slow machine.
    supervision: { timeout: 15_000 },
  });
  showEvents(kernel);
  showPlugins(kernel);
  await kernel.start();
  showHealth(kernel);
  showCommandForm(kernel);
} catch (error) {
  const health = byId('health', HTMLParagraphElement);
  health.dataset.status = 'unhealthy';
  health.textContent = `The kernel did not start: ${error instanceof Error ? error.message : String(error)}`;
}
