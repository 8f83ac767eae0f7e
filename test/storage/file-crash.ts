/**
 * Kills writers of a data folder at random moments, and checks with a fresh process what they left.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** A process that owns a folder. */
export interface Writer {
  readonly pid: number;
  /** Sends SIGKILL; resolves when the process is gone and all its output was read. */
  kill(): Promise<void>;
}

/** A writer's report of one write: that it starts, or that it was acknowledged. */
export interface Said {
  readonly key: string;
  readonly version: number;
  readonly wants?: true;
}

/**
 * Starts a process that takes a folder; rejects with the code it failed with.
 *
 * @param within a command that starts the process.
 */
export async function startWriter(
  folder: string,
  mode: 'hold' | 'write' = 'hold',
  heard: (said: Said) => void = () => {},
  version = 1,
  within: readonly string[] = [],
): Promise<Writer> {
  const [command = process.execPath, ...before] = [...within, process.execPath];
  const child = spawn(command, [...before, script('writer.ts'), folder, mode, String(version)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      // The last line may be cut by the kill.
      if (!line.endsWith('}')) return;
      const message = JSON.parse(line) as { ready?: true; failed?: string } & Said;
      if (message.ready) resolve();
      else if (message.failed !== undefined)
        reject(Object.assign(new Error(message.failed), { code: message.failed }));
      else heard(message);
    });
    void closed.then(() => reject(new Error('the writer ended')));
  });
  return {
    pid: child.pid as number,
    async kill() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

/** The result of a series of kills. */
export interface CrashReport {
  readonly kills: number;
  readonly acknowledged: number;
  /** Torn or lost values; empty when there are none. */
  readonly problems: readonly string[];
  /**
   * Kills after which a temporary file was left: they hit the moment between writing and renaming.
   */
  readonly interrupted: number;
}

/**
 * Repeatedly kills a writer on one folder; each time a fresh process verifies what it left.
 *
 * @param placeIn what the writer opens: the folder itself when absent.
 */
export async function crashRepeatedly(
  kills: number,
  placeIn: (folder: string) => string = (folder) => folder,
): Promise<CrashReport> {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-crash-'));
  const place = placeIn(folder);
  const acknowledged = new Map<string, number>();
  const attempted = new Map<string, number>();
  const problems: string[] = [];
  let count = 0;
  let interrupted = 0;
  try {
    for (let kill = 0; kill < kills; kill++) {
      // Half of the kills follow a number of acknowledgements, so that every phase of a write is
      // hit. The other half follow the clock, counted from the first acknowledgement.
      const after = 1 + Math.floor(Math.random() * 30);
      const byClock = kill % 2 === 0;
      let seen = 0;
      let strike = () => {};
      const struck = new Promise<void>((resolve) => {
        strike = resolve;
      });
      const heard = ({ key, version, wants }: Said) => {
        if (wants) {
          attempted.set(key, version);
          return;
        }
        acknowledged.set(key, version);
        count += 1;
        seen += 1;
        if (byClock && seen === 1) setTimeout(strike, Math.random() * 40);
        else if (!byClock && seen === after) strike();
      };
      const writer = await startWriter(
        place,
        'write',
        heard,
        1 + Math.max(0, ...attempted.values()),
      );
      await struck;
      await writer.kill();
      if ((await readdir(folder)).some((name) => /\.value\.(?!corrupt)/.test(name)))
        interrupted += 1;
      problems.push(
        ...(await verify(place, acknowledged, attempted)).map(
          (problem) => `after kill ${kill}: ${problem}`,
        ),
      );
    }
    return { kills, acknowledged: count, problems, interrupted };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function verify(
  folder: string,
  acknowledged: ReadonlyMap<string, number>,
  attempted: ReadonlyMap<string, number>,
): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [script('reader.ts'), folder]);
  const { versions, problems } = JSON.parse(stdout) as {
    versions: Record<string, number>;
    problems: string[];
  };
  for (const [key, version] of acknowledged) {
    const found = versions[key] ?? 0;
    if (found < version) problems.push(`${key} is at ${found}, but ${version} was acknowledged`);
    if (found > (attempted.get(key) ?? 0))
      problems.push(`${key} is at ${found}, which was never written`);
  }
  return problems;
}
