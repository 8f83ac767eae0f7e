/**
 * `@plinth/http/host`: HTTP for an application with plugins, as a Fetch handler or as a server.
 *
 * @module
 */
import { defineExtension } from '@plinth/kernel/extension';
import type { AdminOptions } from './admin.js';
import type { AdminKernel } from './admin-actions.js';
import { HttpApp } from './app.js';
import { InFlight } from './in-flight.js';
import type { Listening, ListenOptions, Server } from './listen.js';
import { type HttpOptions, settingsOf } from './options.js';

export type { AdminAction, AdminOptions } from './admin.js';
export type { AdminKernel } from './admin-actions.js';
export type { Listening, ListenOptions } from './listen.js';
export type { EventOptions, HttpLimits, HttpOptions } from './options.js';

/** `kernel.extension(http)`. */
export interface Http {
  /**
   * Answers a request, in any server and in a Service Worker. It never rejects: what fails is a
   * problem document.
   *
   * @example
   * self.addEventListener('fetch', (event) => event.respondWith(kernel.extension(http).fetch(event.request)));
   */
  fetch(request: Request): Promise<Response>;
  /**
   * Starts a server, in Node. It ends with the kernel.
   *
   * @throws PluginConfigurationError `kernel/invalid-option` for an address that can't be listened on.
   * @example
   * const { url } = await kernel.extension(http).listen({ port: 8080 });
   */
  listen(options?: ListenOptions): Promise<Listening>;
  /**
   * Opens the admin API at `/api/v1`. It is closed until this is called.
   *
   * @throws PluginConfigurationError `kernel/invalid-option` without `authorize`.
   * @example
   * await kernel.extension(http).admin(kernel, { authorize: (request) => operatorOf(request) });
   */
  admin(kernel: AdminKernel, options: AdminOptions): Promise<void>;
}

/**
 * Answers HTTP for the plugins of a kernel: their routes, exposed commands, events, and an admin API.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for options that are none.
 * @example
 * const kernel = await createKernel({
 *   plugins: './plugins',
 *   extensions: [http({ authenticate: userOf, expose: ['com.example.notes:*'] })],
 * });
 * await kernel.start();
 * await kernel.extension(http).listen({ port: 8080 });
 */
export const http = defineExtension(
  { name: 'http', uses: ['calls'] },
  (options: HttpOptions = {}) => {
    const settings = settingsOf(options);
    return {
      install(port): Http {
        const { requests, plugin } = settings.limits;
        const inFlight = new InFlight(requests, plugin);
        const app = new HttpApp({ port, settings, inFlight });
        const servers = new Set<Server>();
        port.on('started', () => {
          app.life = 'started';
        });
        port.on('stopping', async () => {
          app.life = 'stopping';
          app.events.end('the server is stopping');
          for (const server of servers) void server.close();
          await drained(inFlight, port);
        });
        port.own(async () => {
          app.life = 'stopping';
          app.events.end('the server has stopped');
          for (const server of servers) server.cut();
          await Promise.all([...servers].map((server) => server.close()));
        });
        const fetch = (request: Request) => app.fetch(request);
        return {
          fetch,
          async listen(where = {}) {
            const { listen } = await import('./listen.js');
            const server = await listen(where.fetch ?? fetch, where, settings.limits);
            servers.add(server);
            if (app.life === 'stopping') await server.close();
            const { port: bound, url } = server;
            return { port: bound, url, close: () => server.close() };
          },
          async admin(kernel, how) {
            const { Admin } = await import('./admin.js');
            app.admin = new Admin(kernel, how, settings.limits);
          },
        };
      },
    };
  },
);

/** Waits for requests in flight, for as long as a swap may take. */
async function drained(
  inFlight: InFlight,
  port: {
    readonly limits: { readonly swap: number };
    after(milliseconds: number, task: () => unknown): { dispose(): void };
  },
): Promise<void> {
  let late: { dispose(): void } | undefined;
  await Promise.race([
    inFlight.idle(),
    new Promise<void>((resolve) => {
      late = port.after(port.limits.swap, resolve);
    }),
  ]);
  late?.dispose();
}
