/** A kernel over a project, in this process. */
import {
  createKernel,
  type Kernel,
  type LogEntry,
  logLine,
  nodeHost,
  type PluginSource,
} from '@plinth/host-node';
import { Inspector } from '../bundle/inspect.js';
import type { CommandResult, Options } from '../command.js';
import type { Terminal } from '../terminal/terminal.js';
import { LogFile, logFileOf } from './log-file.js';
import { loadPlugins, sourceOf } from './plugin-folders.js';
import { absentFolders, loadProject, type Project } from './project-config.js';
import { secretKey } from './secret-key.js';

/** How a kernel is opened. */
export interface OpenOptions {
  /** The least level that is shown in the terminal; `warn` when absent. */
  readonly show?: LogEntry['level'];
  /** Whether a key for secrets is made when there is none. */
  readonly makeKey?: boolean;
  /** The source of the project's plugins, when there is one. */
  readonly source?: PluginSource;
  /** Entries that the command shows itself. */
  readonly told?: (entry: LogEntry) => boolean;
  /** Whether data is kept in memory alone. */
  readonly memory?: boolean;
  /** Whether entries are shown without their fields. `plinth logs` has them. */
  readonly brief?: boolean;
  /** Workers that are kept ready for the next plugins. */
  readonly spares?: number;
  /** Whether the work changes which plugins run, and so the commands that they add. */
  readonly changes?: boolean;
  /** Whether no plugin is started: the work is about what they keep. */
  readonly idle?: boolean;
}

/** A kernel, and what has to be closed with it. */
export interface OpenKernel {
  readonly kernel: Kernel;
  close(): Promise<void>;
}

const LEVELS: readonly LogEntry['level'][] = ['debug', 'info', 'warn', 'error'];

/** Makes the kernel of a project. It isn't started yet. */
export async function openKernel(
  project: Project,
  terminal: Terminal,
  {
    show = 'warn',
    makeKey = false,
    source,
    told,
    memory = false,
    brief = false,
    spares = 0,
  }: OpenOptions = {},
): Promise<OpenKernel> {
  for (const folder of await absentFolders(project))
    terminal.note(
      `${terminal.paint('yellow', 'warning')} ${folder} is no folder, and 'plugins' of ${project.file} names it`,
    );
  const file = new LogFile(logFileOf(project));
  const key = project.options.secrets === undefined ? await secretKey(project, makeKey) : undefined;
  const log = (entry: LogEntry) => {
    file.write(entry);
    if (LEVELS.indexOf(entry.level) < LEVELS.indexOf(show)) return;
    if (told?.(entry) === true) return;
    const { fields: _, ...short } = entry;
    terminal.note(logLine(brief ? short : entry));
  };
  const own =
    source ?? sourceOf(project.plugins, await loadPlugins(project.plugins, new Inspector()));
  const kernel = await createKernel({
    telemetry: { log },
    ...(spares > 0 && { host: nodeHost({ spares }) }),
    ...project.options,
    sources: [...(project.plugins.length > 0 ? [own] : []), ...(project.options.sources ?? [])],
    ...(project.data !== undefined && !memory && { data: project.data }),
    ...(key !== undefined && { secrets: { key } }),
  });
  return {
    kernel,
    async close() {
      await kernel.stop();
      await file.close();
    },
  };
}

/**
 * Runs one command with the kernel of the project that `--project` names, and stops it.
 * The storage has one owner, so this fails while another process runs the project.
 */
export async function withKernel(
  options: Options,
  terminal: Terminal,
  work: (kernel: Kernel, project: Project) => Promise<CommandResult | undefined>,
  open: OpenOptions = {},
): Promise<CommandResult | undefined> {
  const project = await loadProject(String(options.project ?? '.'));
  const { kernel, close } = await openKernel(project, terminal, { brief: true, ...open });
  try {
    await (open.idle === true ? kernel.open() : kernel.start());
    const result = await work(kernel, project);
    if (open.changes === true) {
      const { takeSnapshot } = await import('../contributed/snapshot.js');
      await takeSnapshot(kernel, project);
    }
    return result;
  } finally {
    await close();
  }
}
