/** `npm run bench`: each runtime in a process of its own, pinned to one core where the system can; a table or JSON. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Row } from './measure.ts';

const json = process.argv.includes('--json');
const pinned = spawnSync('taskset', ['-c', '0', 'true']).status === 0;
const results: Record<string, readonly Row[]> = {};
for (const runtime of ['node', 'chromium']) {
  const script = fileURLToPath(new URL(`${runtime}.ts`, import.meta.url));
  const [command, args] = pinned ? ['taskset', ['-c', '0', process.execPath, script]] : [process.execPath, [script]];
  const { stdout, status } = spawnSync(command as string, args as string[], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
  results[runtime] = JSON.parse(stdout) as readonly Row[];
}
if (json) console.log(JSON.stringify({ pinned, node: process.version, results }, null, 2));
else for (const [runtime, rows] of Object.entries(results)) print(runtime, rows);

function print(runtime: string, rows: readonly Row[]): void {
  console.log(`\n${runtime}${pinned ? ', pinned to one core' : ''}: calls through a worker, ratio to raw postMessage in the same rounds\n`);
  console.log('| | one after another | 16 in flight | 256 in flight | 4 096 in flight |\n|---|---|---|---|---|');
  for (const { name, latency, latencyRatio, throughput, throughputRatio } of rows) {
    const cells = [16, 256, 4_096].map((window) => `${Math.round((throughput[window] as number) / 1_000)}k/s (${(throughputRatio[window] as number).toFixed(2)})`);
    console.log(`| ${name} | ${latency.toFixed(1)} µs (${latencyRatio.toFixed(2)}) | ${cells.join(' | ')} |`);
  }
}
