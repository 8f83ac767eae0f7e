/** `plinth dev`: runs a project, and swaps a plugin for its new version after each save. */
import inspector from 'node:inspector';
import { relative } from 'node:path';
import type { LogEntry } from '@plinth/host-node';
import { Inspector } from '../bundle/inspect.js';
import type { RunCommand } from '../command.js';
import { type DevEvent, DevSession } from '../dev/dev-session.js';
import { type Watching, watchPaths } from '../dev/watch.js';
import { openKernel } from '../project/open-kernel.js';
import { absentFolders, loadProject, type Project } from '../project/project-config.js';
import { CliError } from '../terminal/cli-error.js';
import { reportError } from '../terminal/report-error.js';
import { plainOf } from '../terminal/show-value.js';
import { stopSignal } from '../terminal/stop-signal.js';
import type { Terminal } from '../terminal/terminal.js';

/** Watches and swaps until it is stopped. */
export const run: RunCommand = async (_, options, terminal) => {
  const project = await loadProject(String(options.project ?? '.'));
  await requireFolders(project);
  if (options.inspect !== undefined && options.inspect !== false) openInspector(options.inspect);
  const stopped = stopSignal();
  const evaluating = new Inspector({ warm: true });
  let watching: Watching | undefined;
  const session = new DevSession({
    roots: project.plugins,
    inspector: evaluating,
    tell: (event) => tell(event, terminal),
    watch: (paths) => watching?.add(paths),
  });
  watching = await watchPaths(project.plugins, (path) => session.changed(path));
  await session.build();
  const { kernel, close } = await openKernel(project, terminal, {
    show: 'info',
    source: session,
    told: isTold,
    memory: options.keep !== true,
    spares: 1,
  });
  try {
    await kernel.start();
    ready(kernel.plugins.list().filter(({ state }) => state === 'active').length, terminal);
    await stopped;
  } finally {
    await watching.close();
    await session.close();
    evaluating.close();
    await close();
  }
  return undefined;
};

/** @throws CliError `project/empty`: nothing can be watched that isn't there. */
async function requireFolders(project: Project): Promise<void> {
  const absent = await absentFolders(project);
  if (absent.length < project.plugins.length) return;
  throw absent.length === 0
    ? new CliError('project/empty', `${project.folder} has no plugins to watch`, {
        cure: 'plinth create plugins/<name> makes one.',
      })
    : new CliError(
        'project/empty',
        `${absent.join(' and ')} ${absent.length === 1 ? 'is no folder' : 'are no folders'}, so there is nothing to watch`,
        { cure: `Correct 'plugins' of ${project.file}, or plinth create <folder>/<name>.` },
      );
}

/** What is wrong with a plugin is told with its frame, once. */
const isTold = ({ source, message }: LogEntry): boolean =>
  source === 'extension:followed-sources' ||
  (source === 'kernel' && message.startsWith('found no plugins in '));

/** Lets a debugger attach. Plugins are threads of this process, and breakpoints end none. */
function openInspector(port: string | boolean): void {
  if (inspector.url() !== undefined) return;
  const number = port === true ? 9_229 : Number(port);
  if (!Number.isInteger(number) || number < 0 || number > 65_535)
    throw new CliError('cli/usage', `--inspect takes a port, not '${String(port)}'`, {
      usage: true,
    });
  inspector.open(number, '127.0.0.1');
}

function ready(active: number, terminal: Terminal): void {
  const url = inspector.url();
  terminal.out(
    terminal.json
      ? JSON.stringify({ event: 'ready', active, ...(url !== undefined && { inspector: url }) })
      : `${terminal.paint('green', 'ready')} ${active} active; saving a file swaps its plugin. Ctrl-C stops.`,
  );
}

function tell(event: DevEvent, terminal: Terminal): void {
  if (event.event === 'failed') {
    if (terminal.json) terminal.out(JSON.stringify({ ...event, error: plainOf(event.error) }));
    else {
      reportError(event.error, terminal);
      if (event.running) terminal.note(terminal.paint('dim', 'what ran before still runs'));
    }
    return;
  }
  const { id, version, ms } = event;
  terminal.out(
    terminal.json
      ? JSON.stringify({ ...event, folder: relative(process.cwd(), event.folder) })
      : `${terminal.paint('green', event.event)} ${id} ${version} ${terminal.paint('dim', `${Math.round(ms)} ms`)}`,
  );
}
