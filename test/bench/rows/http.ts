/**
 * What a plugin's route costs beside the same handler of a Hono application, and whether many
 * clients are answered at the same time.
 *
 * Measured: the median time of requests one after another, as a difference within a round. In the
 * process both handlers are called with a Request; over loopback both are behind the same server
 * and asked over one kept connection. Then 256 connections ask the plugin at the same time, and 256
 * hold a stream of events.
 */
import { Agent, request, type Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { http } from '@plinth/http/host';
import { createKernel, packageSource } from '@plinth/kernel';
import { Hono } from 'hono/tiny';
import { bundleRoutes } from '../guest-bundle.ts';
import { milliseconds as inMilliseconds, type Outcomes } from '../outcome.ts';
import type { Bench } from '../platform.ts';
import { everyRound, medianOf, pause } from '../statistics.ts';

const ID = 'bench.routes';
const PATH = `/plugins/${ID}/echo`;
const CLIENTS = 256;
const WARM_UP = 2_000;

/** Asks for one number. Resolves to the body. */
type Ask = (n: number) => Promise<string>;

export async function measureHttp({ platform, rounds, milliseconds }: Bench): Promise<Outcomes> {
  const kernel = await createKernel({
    host: platform.createHost(),
    telemetry: { log: false },
    extensions: [
      http({
        authenticate: () => 'reader',
        events: { topics: ['bench.events:*'], authorize: () => true },
      }),
    ],
    sources: [
      packageSource([
        {
          manifest: {
            id: ID,
            version: '1.0.0',
            main: 'plugin.js',
            engines: { plinth: '^1.0.0' },
            provides: ['plinth.http-routes@1'],
            permissions: { contracts: { provide: ['plinth.http-routes'] } },
          },
          code: await bundleRoutes(),
        },
      ]),
    ],
  });
  await kernel.start();
  const { fetch, listen } = kernel.extension(http);
  const app = new Hono();
  app.get(`${PATH}/:n`, (c) => c.json({ ok: true, n: Number(c.req.param('n')) }));
  const own = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server;
  await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
  const { port: bare } = own.address() as { readonly port: number };
  const { port } = await listen();
  const kept = [new Agent({ keepAlive: true, maxSockets: 1 }), new Agent({ keepAlive: true })];
  const [one, many] = kept as [Agent, Agent];
  try {
    const ways = {
      plugin: within(fetch),
      hono: within(app.fetch),
      pluginOverLoopback: over(port, one),
      honoOverLoopback: over(bare, new Agent({ keepAlive: true, maxSockets: 1 })),
    };
    for (const ask of Object.values(ways)) for (let n = 0; n < WARM_UP; n++) await check(ask, n);
    const median = (ask: Ask) => () => medianTime(ask, milliseconds);
    const times = await everyRound(rounds, {
      plugin: median(ways.plugin),
      hono: median(ways.hono),
      pluginOverLoopback: median(ways.pluginOverLoopback),
      honoOverLoopback: median(ways.honoOverLoopback),
    });
    return {
      process: differenceOf(times.plugin, times.hono),
      loopback: differenceOf(times.pluginOverLoopback, times.honoOverLoopback),
      clients: await failures(over(port, many), rounds * milliseconds),
      readers: await unread(port, () => kernel.events.emit('bench.events:one', 'here')),
    };
  } finally {
    for (const agent of kept) agent.destroy();
    own.closeAllConnections();
    await new Promise((resolve) => own.close(resolve));
    await kernel.stop();
  }
}

const within =
  (handle: (request: Request) => Response | Promise<Response>): Ask =>
  async (n) =>
    (await handle(new Request(`http://127.0.0.1${PATH}/${n}`))).text();

const over =
  (port: number, agent: Agent): Ask =>
  (n) =>
    new Promise((resolve, reject) => {
      const asked = request({ port, agent, host: '127.0.0.1', path: `${PATH}/${n}` }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (part: string) => {
          text += part;
        });
        answer.on('end', () => resolve(text));
        answer.on('error', reject);
      });
      asked.on('error', reject);
      asked.end();
    });

async function check(ask: Ask, n: number): Promise<void> {
  const text = await ask(n);
  if (text !== `{"ok":true,"n":${n}}`) throw new Error(`request ${n} was answered with ${text}`);
}

async function medianTime(ask: Ask, milliseconds: number): Promise<number> {
  const times: number[] = [];
  const end = performance.now() + milliseconds;
  for (let n = 0; performance.now() < end; n++) {
    const started = performance.now();
    await check(ask, n);
    times.push(performance.now() - started);
  }
  return medianOf(times);
}

function differenceOf(plinth: readonly number[], base: readonly number[]) {
  const rounds = plinth.map((value, round) => value - (base[round] as number));
  const detail = `${inMilliseconds(medianOf(plinth))} to ${inMilliseconds(medianOf(base))}`;
  return { value: medianOf(rounds), rounds, detail };
}

/** How many requests of clients that all ask at the same time were not answered as they should. */
async function failures(ask: Ask, milliseconds: number) {
  let failed = 0;
  let made = 0;
  const end = performance.now() + milliseconds;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (performance.now() < end) {
        made += 1;
        await check(ask, made).catch(async () => {
          failed += 1;
          await pause(1);
        });
      }
    }),
  );
  return { value: failed, detail: `of ${made}` };
}

/** How many of as many open streams of events did not get one event. */
async function unread(port: number, emit: () => Promise<void>) {
  const ended = new AbortController();
  const streams = await Promise.all(
    Array.from({ length: CLIENTS }, () =>
      fetch(`http://127.0.0.1:${port}/events?topic=bench.events:*`, { signal: ended.signal }),
    ),
  );
  const readers = streams.map(({ body }) => (body as ReadableStream<Uint8Array>).getReader());
  for (const reader of readers) await reader.read();
  const started = performance.now();
  await emit();
  const decoder = new TextDecoder();
  const texts = await Promise.all(
    readers.map(async (reader) => decoder.decode((await reader.read()).value)),
  );
  const took = performance.now() - started;
  ended.abort();
  const lost = texts.filter((text) => !text.includes('"payload":"here"')).length;
  return { value: lost, detail: `of ${CLIENTS}, in ${inMilliseconds(took)}` };
}
