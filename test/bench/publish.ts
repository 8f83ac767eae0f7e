/** Writes a run to `docs/benchmarks.json`, and what it says to the pages. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { chromiumArguments, findChromium } from '../../scripts/find-chromium.ts';
import { benchmarksPart, type Published, readmePart, withPart } from './published.ts';
import type { Calls, Judged, Verdict } from './report.ts';
import { MILLISECONDS, ROUNDS } from './settings.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Writes the file and both pages. */
export async function publish(
  goals: readonly Judged[],
  calls: Calls,
  pinned: boolean,
): Promise<void> {
  const [cpu] = cpus();
  const run: Published = {
    date: new Date().toISOString().slice(0, 10),
    commit: commitHere(),
    machine: {
      cores: cpus().length,
      memory: Math.round(totalmem() / 2 ** 30),
      cpu: cpu?.model.trim() ?? 'unknown',
    },
    node: process.versions.node,
    chromium: await chromiumVersion(),
    rounds: ROUNDS,
    milliseconds: MILLISECONDS,
    pinned,
    calls,
    goals: goals.map((one) => ({
      ...one,
      node: rounded(one.node),
      chromium: rounded(one.chromium),
    })),
  };
  const file = join(root, 'docs/benchmarks.json');
  writeFileSync(file, `${JSON.stringify(run, undefined, 2)}\n`);
  spawnSync(
    process.execPath,
    [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'format', '--write', file],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  writePages(run);
}

/** Writes what a run says between the markers of both pages. */
export function writePages(run: Published): void {
  const put = (page: string, part: string) => {
    const path = join(root, page);
    writeFileSync(path, withPart(readFileSync(path, 'utf8'), part));
  };
  put('docs/benchmarks.md', benchmarksPart(run));
  put('README.md', readmePart(run));
}

/** Four digits are more than the noise leaves. */
function rounded(verdict: Verdict): Verdict {
  if (!('value' in verdict)) return verdict;
  const digits = (value: number) => Number(value.toPrecision(4));
  return {
    ...verdict,
    value: digits(verdict.value),
    ...(verdict.rounds !== undefined && { rounds: verdict.rounds.map(digits) }),
  };
}

function commitHere(): string {
  const git = (...words: readonly string[]) =>
    spawnSync('git', words, { cwd: root, encoding: 'utf8' }).stdout.trim();
  // What is written here is no change of what is measured.
  const changed = git('status', '--porcelain', '--', ':!docs', ':!README.md') !== '';
  return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
}

async function chromiumVersion(): Promise<string> {
  const executablePath = findChromium();
  const browser = await chromium.launch({
    ...(executablePath && { executablePath }),
    args: [...chromiumArguments()],
  });
  const version = browser.version();
  await browser.close();
  return version;
}
