/**
 * How many requests a second the old program and the service answer, and how long one takes:
 * `npm run load -- --seconds 5 --connections 16`. Each runs in a process of its own, over the same
 * notes and posts, and they are asked in turns.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const HOST = 'acme.localhost:3000';
const AUTHORIZATION = `Basic ${Buffer.from('ada:ada-password').toString('base64')}`;
/** Notes and posts that are there before. */
const ROWS = 200;
const NOTE = { title: 'A note', text: 'Some words.\n\n'.repeat(20), tags: ['some', 'tags'] };

const ENDPOINTS = [
  { name: 'a note, JSON', path: '/notes/api/notes/<note>' },
  { name: 'search, JSON', path: '/notes/api/notes?q=words&tag=some' },
  { name: 'a note, page', path: '/notes/<note>' },
  { name: 'save a note, JSON', path: '/notes/api/notes', method: 'POST', body: NOTE },
  { name: 'a post, page', path: '/blog/a-note' },
  { name: 'feed', path: '/blog/feed.atom' },
] as const;

/** What was measured of one endpoint. Times are milliseconds. */
export interface Figures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers with a status of 400 or more. */
  readonly failed: number;
}

/** How it is measured. */
export interface LoadOptions {
  readonly seconds: number;
  readonly connections: number;
}

interface Sent {
  readonly path: string;
  readonly method?: string;
  readonly body?: unknown;
}

/** Measures every endpoint of both. */
export async function measure({ seconds, connections }: LoadOptions) {
  const folder = await mkdtemp(join(tmpdir(), 'node-service-load-'));
  const programs: Program[] = [];
  try {
    for (const name of ['monolith', 'service'] as const) programs.push(await start(name, folder));
    const results: { name: string; of: Record<string, Figures> }[] = [];
    for (const { name, ...sent } of ENDPOINTS) {
      const of: Record<string, Figures> = {};
      for (const program of programs) {
        const path = sent.path.replace('<note>', program.note);
        await load(program, { ...sent, path }, { seconds: seconds / 4, connections });
        of[program.name] = await load(program, { ...sent, path }, { seconds, connections });
      }
      results.push({ name, of });
    }
    return results;
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

interface Program {
  readonly name: string;
  readonly url: string;
  readonly agent: Agent;
  /** The id of a note that is there. */
  readonly note: string;
  stop(): Promise<void>;
}

async function start(name: 'monolith' | 'service', folder: string): Promise<Program> {
  const child = fork(join(import.meta.dirname, 'load-server.ts'), [name, folder], {
    // What the service logs goes nowhere, as it would go to a collector.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  const first = await Promise.race([once(child, 'message'), ended]);
  if (typeof first[0] !== 'string') throw new Error(`${name} could not start`);
  const agent = new Agent({ keepAlive: true });
  const [url] = first;
  const post = async (path: string, body: unknown) =>
    JSON.parse((await ask({ url, agent }, { path, method: 'POST', body })).text) as {
      readonly id: string;
      readonly slug: string;
    };
  let note = '';
  for (let row = 0; row < ROWS; row++) {
    note = (await post('/notes/api/notes', NOTE)).id;
    if (row >= 50) continue;
    const { slug } = await post('/blog/api/posts', { title: NOTE.title, text: NOTE.text });
    await post(`/blog/api/posts/${slug}/publish`, {});
  }
  return {
    name,
    url,
    agent,
    note,
    async stop() {
      agent.destroy();
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Asks one endpoint for some seconds, with one request in flight on each connection. */
async function load(
  { url, agent }: Program,
  sent: Sent,
  { seconds, connections }: LoadOptions,
): Promise<Figures> {
  const took: number[] = [];
  let failed = 0;
  const began = performance.now();
  const end = began + seconds * 1_000;
  const client = async () => {
    for (let now = performance.now(); now < end; now = performance.now()) {
      const { status } = await ask({ url, agent }, sent);
      if (status >= 400) failed++;
      took.push(performance.now() - now);
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  const passed = performance.now() - began;
  took.sort((one, other) => one - other);
  const at = (share: number) => took[Math.floor((took.length - 1) * share)] ?? Number.NaN;
  return { perSecond: (took.length / passed) * 1_000, p50: at(0.5), p99: at(0.99), failed };
}

function ask(
  { url, agent }: Pick<Program, 'url' | 'agent'>,
  { path, method = 'GET', body }: Sent,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      host: HOST,
      authorization: AUTHORIZATION,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const outgoing = request(new URL(path, url), { method, agent, headers }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (part: string) => {
        text += part;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '5' },
      connections: { type: 'string', default: '16' },
    },
  });
  const [seconds, connections] = [Number(values.seconds), Number(values.connections)];
  console.log(`${connections} connections, ${seconds} s each\n`);
  console.log('| endpoint | monolith: req/s | p50 | p99 | service: req/s | p50 | p99 |');
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const { name, of } of await measure({ seconds, connections })) {
    const cells = ['monolith', 'service'].flatMap((program) => {
      const { perSecond = 0, p50 = 0, p99 = 0, failed = 0 } = of[program] ?? {};
      if (failed > 0) console.error(`${name}, ${program}: ${failed} requests failed`);
      return [perSecond.toFixed(0), `${p50.toFixed(1)} ms`, `${p99.toFixed(1)} ms`];
    });
    console.log(`| ${[name, ...cells].join(' | ')} |`);
  }
}
