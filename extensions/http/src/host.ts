/**
 * `@plinth/http/host`: HTTP for an application with plugins, as a Fetch handler or as a server.
 *
 * @module
 */
import { defineExtension } from '@plinth/kernel/extension';
import { createError, DEFAULT_TENANT } from '@plinth/sdk/contract';
import type { AdminOptions } from './admin/admin.js';
import type { AdminKernel, TenantParts } from './admin/operation.js';
import { HttpApp } from './app.js';
import { POINT } from './contribution.js';
import { decided } from './exchange.js';
import { InFlight } from './in-flight.js';
import { Lasting } from './lasting.js';
import type { Listeners, Listening, ListenOptions, OwnedListeners, Server } from './listen.js';
import { type HttpOptions, settingsOf } from './options.js';
import { refuse } from './problem.js';

export type { AdminOptions } from './admin/admin.js';
export type { AdminKernel, TenantManager } from './admin/operation.js';
export type { OperatorOptions } from './admin/operators.js';
export type { AdminAction, Operator, Role } from './admin/roles.js';
export type { DeclaredHttp, DeclaredRoute } from './contribution.js';
export type { Listeners, Listening, ListenOptions } from './listen.js';
export type { EventOptions, HttpLimits, HttpMounts, HttpOptions } from './options.js';

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
   * @throws PluginConfigurationError `kernel/invalid-option` for an address that can't be listened on,
   * PluginUnavailableError `kernel/stopped`.
   * @example
   * const { url } = await kernel.extension(http).listen({ port: 8080 });
   */
  listen(options?: ListenOptions): Promise<Listening>;
  /**
   * Listeners for a server in Node that the application has. Their WebSockets end with the kernel;
   * the server stays the application's.
   *
   * @example
   * const { request, upgrade } = await kernel.extension(http).listeners();
   * const server = createServer(request).on('upgrade', upgrade);
   */
  listeners(): Promise<Listeners>;
  /**
   * Opens the admin API at `/api/v1`. It is closed until this is called.
   *
   * @throws PluginConfigurationError `kernel/invalid-option` without `authorize` and `tokens`.
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
  { name: 'http', uses: ['calls', 'contribute', 'intercept'], features: ['http'] },
  (options: HttpOptions = {}) => {
    const settings = settingsOf(options);
    const tenants = new Map<string, TenantParts>();
    return {
      install(port): Http {
        const { requests, plugin, streams } = settings.limits;
        const inFlight = new InFlight(requests, plugin);
        const lasting = new Lasting(streams);
        const declared = port.contribute.point(POINT);
        const parts = { port, settings, inFlight, lasting, declared };
        const app = new HttpApp(parts);
        const servers = new Set<Server>();
        const mounted = new Set<OwnedListeners>();
        const own: TenantParts = { parts, fetch: (request) => app.fetch(request) };
        tenants.set(port.tenant, own);
        port.on('started', () => {
          app.life = 'started';
        });
        port.on('stopping', async () => {
          app.life = 'stopping';
          lasting.end('the server is stopping');
          for (const server of servers) void server.close();
          // A server's requests are those of all tenants, which stop at the same time.
          await drained(servers.size > 0 ? [...tenants.values()] : [own], port);
        });
        port.own(async () => {
          app.life = 'stopping';
          lasting.end('the server has stopped');
          if (tenants.get(port.tenant) === own) tenants.delete(port.tenant);
          for (const one of [...servers, ...mounted]) one.cut();
          await Promise.all([...servers].map((one) => one.close()));
        });
        const fetch = passing(app, own, tenants);
        return {
          fetch,
          async listen(where = {}) {
            const { listen } = await import('./listen.js');
            checkRuns(app);
            const server = await listen(fetch, where, settings.limits);
            servers.add(server);
            if (app.life === 'stopping') await server.close();
            checkRuns(app);
            return { port: server.port, url: server.url, close: () => server.close() };
          },
          async listeners() {
            const { listenersOf } = await import('./listen.js');
            checkRuns(app);
            const made = listenersOf(fetch, settings.limits);
            mounted.add(made);
            const { request, upgrade } = made;
            return { request, upgrade };
          },
          async admin(kernel, options) {
            const { Admin } = await import('./admin/admin.js');
            app.admin = new Admin({ kernel, options, tenants });
          },
        };
      },
    };
  },
);

/** @throws PluginUnavailableError `kernel/stopped`. */
function checkRuns({ life }: HttpApp): void {
  if (life === 'stopping')
    throw createError('kernel/stopped', 'the kernel has stopped: make a new one');
}

/**
 * Passes requests on to the tenant that the application names. It names any tenant, so only the
 * default one's handler asks.
 */
function passing(
  app: HttpApp,
  { parts }: TenantParts,
  tenants: ReadonlyMap<string, TenantParts>,
): (request: Request) => Promise<Response> {
  const { port, settings } = parts;
  return async (request) => {
    if (port.tenant !== DEFAULT_TENANT) return app.fetch(request);
    try {
      const named = await decided(settings.tenant?.(request), 'tenant', settings.limits.timeout);
      if (named === undefined || named === null)
        return await app.fetch(request, port.tenants === 'only');
      const found = tenants.get(named);
      if (found === undefined) throw refuse(404, 'http/tenant', 'There is no such tenant.');
      return await found.fetch(request);
    } catch (error) {
      return app.fail(request, error);
    }
  };
}

/** Waits for requests in flight, for as long as a swap may take. */
async function drained(
  tenants: readonly TenantParts[],
  port: {
    readonly limits: { readonly swap: number };
    after(milliseconds: number, task: () => unknown): { dispose(): void };
  },
): Promise<void> {
  let late: { dispose(): void } | undefined;
  await Promise.race([
    Promise.all(tenants.map(({ parts }) => parts.inFlight.idle())),
    new Promise<void>((resolve) => {
      late = port.after(port.limits.swap, resolve);
    }),
  ]);
  late?.dispose();
}
