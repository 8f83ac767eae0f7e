/** `plinth run`: runs the plugins of a project until it is stopped. */
import type { RunCommand } from '../command.js';
import { takeSnapshot } from '../contributed/snapshot.js';
import { openKernel } from '../project/open-kernel.js';
import { loadProject } from '../project/project-config.js';
import { stopSignal } from '../terminal/stop-signal.js';

/** Starts the kernel, says what runs, and stops it in order at a signal. */
export const run: RunCommand = async (_, options, terminal) => {
  const project = await loadProject(String(options.project ?? '.'));
  const stopped = stopSignal();
  const { kernel, close } = await openKernel(project, terminal, { show: 'info' });
  try {
    await kernel.start();
    const plugins = kernel.plugins.list();
    const active = plugins.filter(({ state }) => state === 'active').length;
    const failed = plugins.filter(({ state }) => state === 'failed' || state === 'denied');
    for (const { id } of failed)
      terminal.note(`${terminal.paint('red', 'failed')} ${kernel.plugins.explain(id).because}`);
    terminal.out(
      terminal.json
        ? JSON.stringify({ ok: true, started: plugins.length, active, failed: failed.length })
        : `running: ${active} of ${plugins.length} plugins are active. Ctrl-C stops.`,
    );
    await takeSnapshot(kernel, project);
    await stopped;
  } finally {
    await close();
  }
  return undefined;
};
