/** Kills a process with a queue at random moments, and checks what became of its tasks. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('worker.ts', import.meta.url));

/** What a series of kills left. */
export interface CrashReport {
  readonly pushed: number;
  /** Tasks that were acknowledged and never handled. */
  readonly lost: readonly string[];
  /** Tasks that were handled more than once. */
  readonly repeated: number;
  readonly dead: number;
}

/** Kills the process again and again on one folder, then lets it finish. */
export async function crashRepeatedly(kills: number): Promise<CrashReport> {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-jobs-'));
  const pushed = new Set<string>();
  const done = new Map<string, number>();
  let dead = -1;
  const run = async (mode: string, first: number, heard: (kill: () => void) => void) => {
    const child = spawn(process.execPath, [script, folder, mode, String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    createInterface(child.stdout).on('line', (line) => {
      // The last line may be cut by the kill.
      const [, what, task = ''] = /^(\w+) (\d*);$/.exec(line) ?? [];
      if (what === 'pushed') pushed.add(task);
      else if (what === 'done') done.set(task, (done.get(task) ?? 0) + 1);
      else if (what === 'empty') dead = Number(task);
      heard(() => child.kill('SIGKILL'));
    });
    const [code, signal] = (await closed) as [number | null, string | null];
    if (signal === null && code !== 0) throw new Error(`the process failed with ${code}`);
  };
  try {
    for (let kill = 0; kill < kills; kill += 1) {
      // Numbers of tasks that were not used yet.
      const first = kill * 1_000_000;
      const after = 1 + Math.floor(Math.random() * 40);
      let lines = 0;
      await run('push', first, (strike) => {
        lines += 1;
        if (lines === after) setTimeout(strike, Math.random() * 20);
      });
    }
    await run('drain', 0, () => {});
    return {
      pushed: pushed.size,
      lost: [...pushed].filter((task) => !done.has(task)),
      repeated: [...done.values()].filter((count) => count > 1).length,
      dead,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
