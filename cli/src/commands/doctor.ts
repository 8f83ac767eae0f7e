/** `plinth doctor`: whether this machine and this project are as they should be. */
import { access, constants, mkdir } from 'node:fs/promises';
import { satisfies } from '@plinth/sdk/contract';
import type { CommandResult, RunCommand } from '../command.js';
import { openKernel } from '../project/open-kernel.js';
import { loadProject, type Project } from '../project/project-config.js';
import type { Terminal } from '../terminal/terminal.js';
import { ENGINES, VERSION } from '../version.js';

/** One thing that was looked at. */
interface Check {
  readonly what: string;
  readonly ok: boolean;
  /** What was found, and the cure when it isn't right. */
  readonly found: string;
}

/** Checks Node, the project, its storage and its plugins. */
export const run: RunCommand = async (_, options, terminal) => {
  const checks: Check[] = [node(), sandbox()];
  const project = await attempt(checks, 'project', async () => {
    const loaded = await loadProject(String(options.project ?? '.'));
    return [loaded, loaded.file ?? `${loaded.folder}, without a plinth.config`] as const;
  });
  if (project !== undefined) await checkProject(project, checks, terminal);
  return {
    data: { version: VERSION, checks },
    text: textOf(checks, terminal),
    failed: checks.some(({ ok }) => !ok),
  };
};

function node(): Check {
  const ok = satisfies(process.versions.node, ENGINES);
  return {
    what: 'node',
    ok,
    found: `${process.versions.node}${ok ? '' : `; needed is ${ENGINES}`}`,
  };
}

function sandbox(): Check {
  const ok = process.allowedNodeEnvironmentFlags.has('--permission');
  return {
    what: 'isolation',
    ok,
    found: ok ? 'worker, process and sandbox' : 'worker only: this runtime has no permission model',
  };
}

async function checkProject(project: Project, checks: Check[], terminal: Terminal): Promise<void> {
  const { data } = project;
  if (data !== undefined)
    await attempt(checks, 'data', async () => {
      await mkdir(data, { recursive: true });
      await access(data, constants.W_OK);
      return [data, data] as const;
    });
  const opened = await attempt(checks, 'kernel', async () => {
    const one = await openKernel(project, terminal, { show: 'error' });
    await one.kernel.start();
    return [one, 'starts'] as const;
  });
  if (opened === undefined) return;
  try {
    const { problems, plugins } = await opened.kernel.health();
    for (const { code, message } of problems)
      checks.push({ what: code, ok: false, found: message });
    for (const { id, state, error } of plugins)
      checks.push({ what: id, ok: error === undefined, found: error?.message ?? state });
  } finally {
    await opened.close();
  }
}

/** Adds what was found, or why it failed. */
async function attempt<T>(
  checks: Check[],
  what: string,
  work: () => Promise<readonly [T, string]>,
): Promise<T | undefined> {
  try {
    const [value, found] = await work();
    checks.push({ what, ok: true, found });
    return value;
  } catch (error) {
    checks.push({ what, ok: false, found: (error as Error).message });
    return undefined;
  }
}

function textOf(checks: readonly Check[], terminal: Terminal): CommandResult['text'] {
  return checks
    .map(
      ({ what, ok, found }) =>
        `${ok ? terminal.paint('green', 'ok  ') : terminal.paint('red', 'bad ')} ${what}: ${found}`,
    )
    .join('\n');
}
