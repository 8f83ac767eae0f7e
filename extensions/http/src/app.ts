/** The Fetch handler of one tenant: what is checked of each request, and who answers it. */
import { Hono } from 'hono/tiny';
import type { Admin } from './admin/admin.js';
import { answerCommand } from './commands.js';
import { type Env, type Exchange, jsonResponse, type Parts, requireUser } from './exchange.js';
import { FailureLog } from './failure-log.js';
import { checkHeaders, requestIdOf, traceparentOf } from './incoming.js';
import { checkOrigin, corsHeaders, preflight } from './origins.js';
import { problemOf, problemResponse, Refusal, refuse } from './problem.js';
import { answerRoute } from './routes.js';

/** Where the kernel is in its life. */
export type Life = 'new' | 'started' | 'stopping';

/** Addresses that monitors ask by convention, and that of the same operation in the admin API. */
const SHORT = {
  '/metrics': '/api/v1/metrics',
  '/diagnostics': '/api/v1/diagnostics',
  '/health/tree': '/api/v1/health',
};

/** Owns the routes of a tenant. */
export class HttpApp {
  life: Life = 'new';
  admin: Admin | undefined;
  readonly #failures: FailureLog;
  readonly #parts: Parts;
  readonly #routes: Hono<Env>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#failures = new FailureLog((...what) => parts.port.log.warn(...what));
    this.#routes = this.#makeRoutes();
  }

  /**
   * Answers a request. It never rejects.
   *
   * @param nowhere whether it is for no tenant: plugins don't answer it.
   */
  async fetch(request: Request, nowhere = false): Promise<Response> {
    const { settings, inFlight } = this.#parts;
    const requestId = requestIdOf(request);
    let exchange: Exchange | undefined;
    let response: Response;
    try {
      const url = new URL(request.url);
      if (settings.hosts !== undefined && !isServed(url, settings.hosts))
        throw refuse(421, 'http/host', 'This host is not served.');
      if (request.url.length > settings.limits.headers)
        throw refuse(414, 'http/path', 'The address is too long.');
      checkHeaders(request.headers, settings.limits.headers);
      checkOrigin(request, url, settings.origins);
      const asked = preflight(request, settings.origins);
      if (asked !== undefined) return asked;
      exchange = { requestId, nowhere, held: false, leave: inFlight.enter() };
      response = await this.#routes.fetch(request, { exchange, url });
    } catch (error) {
      response = this.#failed(error, requestId);
    }
    if (exchange?.held !== true) exchange?.leave();
    return this.#finish(request, response, requestId);
  }

  /** Answers a request that has failed before it came here. */
  fail(request: Request, error: unknown): Response {
    const requestId = requestIdOf(request);
    return this.#finish(request, this.#failed(error, requestId), requestId);
  }

  #makeRoutes(): Hono<Env> {
    const parts = this.#parts;
    // Paths are normalized before they are routed, so that what is checked is what is answered.
    const app = new Hono<Env>({ getPath: ({ url }) => new URL(url).pathname });
    for (const path of ['/health', '/health/live'])
      app.get(path, () => jsonResponse({ status: 'alive' }));
    app.get('/health/ready', async () => {
      const works = this.life === 'started' && (await parts.port.health()) !== 'unhealthy';
      // It may have begun to stop meanwhile.
      const ready = works && this.life === 'started';
      return jsonResponse({ status: ready ? 'ready' : 'not ready' }, ready ? 200 : 503);
    });
    app.use('*', async (_, next) => {
      if (this.life === 'stopping')
        throw refuse(503, 'kernel/stopped', 'The server is stopping.', { 'retry-after': '1' });
      await next();
    });
    app.use('/commands/*', async ({ env }, next) => {
      if (env.exchange.nowhere)
        throw refuse(404, 'http/tenant', 'It is for no tenant, and plugins run in tenants alone.');
      await next();
    });
    app.get('/openapi.json', async (c) => {
      if (parts.settings.expose.length === 0 && parts.declared.all().length === 0) throw notFound();
      await requireUser(c.req.raw, parts);
      const { openApi } = await import('./openapi.js');
      return jsonResponse(openApi(parts));
    });
    app.all('/commands/*', (c) => answerCommand(c.req.raw, c.env.url, parts));
    app.all('/events', async (c) => {
      const { answerEvents } = await import('./events.js');
      return answerEvents(c.req.raw, c.env.url, c.env.exchange, parts);
    });
    const operators = (request: Request, url: URL, exchange: Exchange) => {
      if (this.admin === undefined) throw notFound();
      return this.admin.answer(request, url, exchange);
    };
    app.all('/api/v1/*', (c) => operators(c.req.raw, c.env.url, c.env.exchange));
    for (const [path, operation] of Object.entries(SHORT))
      app.all(path, ({ req, env }) =>
        operators(req.raw, new URL(operation + env.url.search, env.url), env.exchange),
      );
    app.all('*', async ({ req, env }) => {
      const answer = await answerRoute(req.raw, env.url, env.exchange, parts);
      if (answer === undefined) throw notFound();
      return answer;
    });
    app.onError((error) => {
      throw error;
    });
    return app;
  }

  #failed(error: unknown, requestId: string): Response {
    const problem = problemOf(error);
    if (problem.status >= 500 && !(error instanceof Refusal))
      this.#failures.add({
        requestId,
        status: problem.status,
        error: error instanceof Error ? error.message.slice(0, 1_000) : typeof error,
      });
    return problemResponse(problem, requestId);
  }

  #finish(request: Request, response: Response, requestId: string): Response {
    const { headers } = response;
    headers.set('x-request-id', requestId);
    for (const [name, value] of corsHeaders(request, this.#parts.settings.origins))
      headers.append(name, value);
    const traceparent = traceparentOf(request);
    if (traceparent !== undefined) headers.set('traceparent', traceparent);
    return response;
  }
}

/** Whether a host is listed, with its port or without. */
const isServed = ({ host, hostname }: URL, hosts: readonly string[]): boolean =>
  hosts.includes(host) || hosts.includes(hostname);

const notFound = () => refuse(404, 'http/not-found', 'There is nothing at this address.');
