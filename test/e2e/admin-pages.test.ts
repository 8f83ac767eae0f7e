/** The admin API from pages of Chromium: tokens of WebSockets, tickets of event sources, other origins. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createKernel, type KernelWith, packageSource } from '@plinth/host-node';
import { http } from '@plinth/http/host';
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startChromium } from '../packaging/site.ts';
import { pluginOf } from '../support/plugins.ts';

const TOKEN = 'token-of-the-operator';
const servers: Server[] = [];
let browser: Browser;
let kernel: KernelWith<readonly [ReturnType<typeof http>]>;
let url: string;
/** Pages of the origin that is listed, and of one that is not. */
let listed: Page;
let other: Page;

async function pageOn(server: Server): Promise<readonly [Page, string]> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const page = await browser.newPage();
  await page.goto(origin);
  return [page, origin];
}

const blank = () =>
  createServer((_, response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>page</title>'),
  );

beforeAll(async () => {
  browser = await startChromium();
  const [first, origin] = await pageOn(blank());
  listed = first;
  [other] = await pageOn(blank());
  kernel = await createKernel({
    telemetry: { log: false },
    sources: [packageSource([pluginOf('test.notes', '')])],
    extensions: [http({ origins: [origin] })],
  });
  await kernel.start();
  const { admin, listen } = kernel.extension(http);
  await admin(kernel, { tokens: { [TOKEN]: { name: 'otto', role: 'operator' } } });
  url = (await listen()).url;
});
afterAll(async () => {
  await kernel?.stop();
  await browser?.close();
  for (const server of servers) server.close();
});

const socketOf = (page: Page) =>
  page.evaluate(
    ([address, token]) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(`${address}/api/v1/events`, [
          'plinth.events',
          `bearer.${token}`,
        ]);
        socket.onmessage = ({ data }) => {
          const { event } = JSON.parse(data) as { event: string };
          resolve(`${socket.protocol} ${event}`);
          socket.close();
        };
        socket.onerror = () => resolve('refused');
      }),
    [url.replace('http', 'ws'), TOKEN] as const,
  );

it('opens WebSockets to pages of listed origins, by a token that is no header', async () => {
  expect(await socketOf(listed)).toBe('plinth.events hello');
  expect(await socketOf(other)).toBe('refused');
});

const sourceOf = (page: Page) =>
  page.evaluate(
    async ([address, token]) => {
      const headers = { authorization: `Bearer ${token}`, 'x-plinth-tenant': 'tenant-0' };
      const made = await fetch(`${address}/api/v1/tickets`, { method: 'POST', headers }).catch(
        () => undefined,
      );
      if (made === undefined) return 'refused';
      const { ticket } = (await made.json()) as { ticket: string };
      const events = new EventSource(`${address}/api/v1/events?ticket=${ticket}`);
      const hello = await new Promise<string>((resolve) => {
        events.addEventListener('hello', ({ data }) => resolve(data));
        events.onerror = () => resolve('failed');
      });
      events.close();
      return Object.keys(JSON.parse(hello) as object).join();
    },
    [url, TOKEN] as const,
  );

it('opens event sources by a ticket, and reads across listed origins alone', async () => {
  expect(await sourceOf(listed)).toBe('cursor');
  expect(await sourceOf(other)).toBe('refused');
});
