/**
 * `npm run test:matrix`: the same suites in every runtime, one process per leg, three legs at a
 * time where there are as many processors. Fails when a leg fails, takes too long, or has not run
 * as many tests as the others. `--leg=node22,webkit` runs a part.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LegReport } from '../test/matrix/leg-reporter.ts';
import { LEG_NAMES, LEGS, type LegName, legOf } from '../test/matrix/legs.ts';
import { ensureLegs } from './ensure-browser.ts';
import { ensureRuntimes, runtimeProgram } from './ensure-runtimes.ts';

/** Legs that run at the same time: more than there are processors make each other late. */
const SIDE_BY_SIDE = Math.min(3, availableParallelism());
/** Legs that take much longer than the others, the longest last. */
const LONGEST: readonly LegName[] = ['chromium', 'webkit', 'firefox'];
/** Milliseconds between asking a leg to end and ending it. */
const GRACE = 5_000;

/** The result of a leg. */
interface Outcome {
  readonly leg: LegName;
  readonly report: LegReport | undefined;
  /** Why it counts as failed; undefined when it passed. */
  readonly problem: string | undefined;
  readonly seconds: number;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const inModules = (path: string) => join(root, 'node_modules', path);

/**
 * How vitest starts in each runtime; browsers are driven from this one. Deno is no dependency,
 * because its packages for other platforms would be missing in the lock file.
 */
const RUNTIMES: Partial<Record<LegName, readonly [string, ...string[]]>> = {
  node22: [runtimeProgram('node22')],
  node24: [inModules('node/bin/node')],
  node26: [runtimeProgram('node26')],
  bun: [runtimeProgram('bun'), '--bun'],
  deno: ['npx', '--yes', 'deno@2.9.6', 'run', '-A'],
};

const running = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(1));
process.once('exit', () => {
  for (const child of running) endGroup(child, 'SIGKILL');
});

const legs = chosen();
ensureLegs(legs);
ensureRuntimes(legs);
build();
const folder = mkdtempSync(join(tmpdir(), 'plinth-matrix-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const outcomes = await runAll(legs);
process.exitCode = summarize(outcomes) ? 0 : 1;

function chosen(): readonly LegName[] {
  const [option, ...others] = process.argv.slice(2);
  if (others.length > 0 || (option !== undefined && !option.startsWith('--leg='))) {
    console.error('usage: npm run test:matrix [-- --leg=node22,webkit]');
    process.exit(2);
  }
  return option === undefined ? LEG_NAMES : option.slice('--leg='.length).split(',').map(legOf);
}

function build(): void {
  const { status } = spawnSync(process.execPath, ['scripts/build.ts'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

async function runAll(names: readonly LegName[]): Promise<readonly Outcome[]> {
  // The slowest first, so that none of them runs alone at the end.
  const waiting = [...names].sort((a, b) => LONGEST.indexOf(b) - LONGEST.indexOf(a));
  const done: Outcome[] = [];
  const lane = async () => {
    for (let leg = waiting.shift(); leg !== undefined; leg = waiting.shift()) {
      const outcome = await run(leg);
      done.push(outcome);
      console.log(line(outcome));
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane));
  return names.flatMap((leg) => done.filter((one) => one.leg === leg));
}

/**
 * Runs a leg in its own process group, so that browsers and forks end with it. Its output is shown
 * when it failed.
 */
function run(leg: LegName): Promise<Outcome> {
  const started = performance.now();
  const file = join(folder, `${leg}.json`);
  const [command, ...args] = RUNTIMES[leg] ?? [process.execPath];
  const child = spawn(
    command,
    [...args, inModules('vitest/vitest.mjs'), 'run', '--config', 'test/matrix/vitest.config.ts'],
    {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CI: 'true', NO_COLOR: '1', PLINTH_LEG: leg, PLINTH_REPORT: file },
    },
  );
  running.add(child);
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    endGroup(child, 'SIGTERM');
    setTimeout(() => endGroup(child, 'SIGKILL'), GRACE).unref();
  }, LEGS[leg].timeout);
  return new Promise((resolve) => {
    const finish = (why: string | undefined) => {
      clearTimeout(timer);
      endGroup(child, 'SIGKILL');
      running.delete(child);
      const report = reportIn(file);
      const problem = late
        ? `timed out after ${LEGS[leg].timeout / 1_000} s`
        : (why ??
          (report === undefined
            ? 'left no report'
            : report.failed > 0
              ? 'has failures'
              : undefined));
      if (problem !== undefined) console.log(`--- ${leg}\n${output.join('')}---`);
      resolve({ leg, report, problem, seconds: (performance.now() - started) / 1_000 });
    };
    child.once('error', (error) => finish(error.message));
    child.once('exit', (code, signal) =>
      finish(code === 0 ? undefined : `ended with ${signal ?? code}`),
    );
  });
}

function endGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // All of them have ended.
  }
}

function reportIn(file: string): LegReport | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as LegReport;
  } catch {
    return undefined;
  }
}

function line({ leg, report, problem, seconds }: Outcome): string {
  const { passed = 0, failed = 0, skipped = 0 } = report ?? {};
  return `${leg.padEnd(10)} ${passed} passed, ${failed} failed, ${skipped} skipped, ${seconds.toFixed(0)} s${problem === undefined ? '' : `: ${problem}`}`;
}

/** Prints a line per leg and one for all. Returns whether all passed. */
function summarize(all: readonly Outcome[]): boolean {
  console.log('');
  for (const outcome of all) console.log(line(outcome));
  const uneven = unevenFiles(all);
  for (const text of uneven) console.log(text);
  const sum = (key: 'passed' | 'failed' | 'skipped') =>
    all.reduce((total, { report }) => total + (report?.[key] ?? 0), 0);
  const silent = all.filter(
    ({ report, problem }) => problem !== undefined && (report?.failed ?? 0) === 0,
  ).length;
  console.log(
    `${sum('passed')} passed, ${sum('failed') + silent + (uneven.length > 0 ? 1 : 0)} failed, ${sum('skipped')} skipped`,
  );
  return uneven.length === 0 && all.every(({ problem }) => problem === undefined);
}

/**
 * Files whose number of tests differs between legs. That is a failure, because a missing test can't
 * fail. Those of pages count in browsers alone.
 */
function unevenFiles(all: readonly Outcome[]): readonly string[] {
  const files = new Set(all.flatMap(({ report }) => Object.keys(report?.files ?? {})));
  const counts = [...files].map((file) => {
    const runs = all.filter(
      ({ leg }) => LEGS[leg].drive === 'browser' || !file.includes('.browser.'),
    );
    return [file, runs.map(({ leg, report }) => [leg, report?.files[file] ?? 0] as const)] as const;
  });
  const uneven = counts.filter(([, runs]) => new Set(runs.map(([, count]) => count)).size > 1);
  return uneven.length === 0
    ? []
    : [
        'the legs have not run the same tests:',
        ...uneven.map(
          ([file, runs]) => `  ${file}: ${runs.map((one) => one.join(' ')).join(', ')}`,
        ),
      ];
}
