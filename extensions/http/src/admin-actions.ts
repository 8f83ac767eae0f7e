/** What the admin API reads and changes, by method and path. */
import type { Kernel, PluginPackage, PluginSource } from '@plinth/kernel';
import { jsonResponse } from './exchange.js';
import { refuse } from './problem.js';

/** The members of a kernel, or of a tenant, that the admin API uses. */
export type AdminKernel = Pick<
  Kernel,
  'audit' | 'config' | 'diagnostics' | 'health' | 'metrics' | 'plugins' | 'report'
>;

/** Reads something. */
export type Reading = (
  kernel: AdminKernel,
  id: string,
  query: URLSearchParams,
) => Promise<Response> | Response;

/** What a change is made with. */
export interface Asked {
  readonly kernel: AdminKernel;
  readonly id: string;
  readonly body: unknown;
  readonly query: URLSearchParams;
  readonly found: PluginPackage | PluginSource | undefined;
}

/** Changes something. */
export interface Change {
  act(asked: Asked): Promise<unknown>;
  /** Whether it needs a package. */
  readonly package?: boolean;
}

const text = (body: BodyInit, type: string) =>
  new Response(body, {
    headers: {
      'content-type': type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  });

/** The plugin. @throws Refusal 404. */
function pluginOf({ plugins }: AdminKernel, id: string) {
  const plugin = plugins.get(id);
  if (plugin === undefined) throw refuse(404, 'plugin/not-found', 'This plugin is not installed.');
  const { manifest: _, ...facts } = plugin;
  return facts;
}

/** By the path behind `/api/v1/`, with `plugins.` before what is asked of one plugin. */
export const READINGS: Readonly<Record<string, Reading>> = {
  plugins: ({ plugins }) =>
    jsonResponse({ plugins: plugins.list().map(({ manifest: _, ...facts }) => facts) }),
  'plugins.status': async (kernel, id) =>
    jsonResponse({ ...pluginOf(kernel, id), health: await kernel.plugins.health(id) }),
  'plugins.manifest': (kernel, id) => {
    pluginOf(kernel, id);
    return jsonResponse(kernel.plugins.get(id)?.manifest ?? null);
  },
  'plugins.explain': (kernel, id) => {
    pluginOf(kernel, id);
    return jsonResponse(kernel.plugins.explain(id));
  },
  'plugins.usage': async ({ plugins }, id) => jsonResponse(await plugins.usage(id)),
  'plugins.config': (kernel, id) => {
    pluginOf(kernel, id);
    return jsonResponse(kernel.config.get(id));
  },
  health: async ({ health }) => {
    const whole = await health();
    return jsonResponse(whole, whole.status === 'unhealthy' ? 503 : 200);
  },
  diagnostics: ({ diagnostics }) => jsonResponse(diagnostics()),
  usage: async ({ plugins }) => jsonResponse(await plugins.usage()),
  report: async ({ report }, _id, query) => {
    const format = query.get('format') ?? 'json';
    if (format === 'text') return text(await report({ format }), 'text/plain; charset=utf-8');
    if (format === 'csv') return text(await report({ format }), 'text/csv; charset=utf-8');
    if (format !== 'json')
      throw refuse(400, 'http/query', "The format is 'json', 'text' or 'csv'.");
    return jsonResponse(await report({}));
  },
  metrics: async ({ metrics }) =>
    text(await metrics.prometheus(), 'text/plain; version=0.0.4; charset=utf-8'),
  audit: ({ audit }) => text(linesOf(audit.export()), 'application/x-ndjson'),
};

const plain = (act: (kernel: AdminKernel, id: string) => Promise<unknown>): Change => ({
  act: async ({ kernel, id }) => {
    pluginOf(kernel, id);
    await act(kernel, id);
  },
});

/** By method and the path behind `/api/v1/plugins/<id>/`: the action's name, and what it does. */
export const CHANGES: Readonly<Record<string, readonly [string, Change]>> = {
  'POST enable': ['plugins.enable', plain(({ plugins }, id) => plugins.enable(id))],
  'POST disable': ['plugins.disable', plain(({ plugins }, id) => plugins.disable(id))],
  'POST activate': ['plugins.activate', plain(({ plugins }, id) => plugins.activate(id))],
  'POST deactivate': ['plugins.deactivate', plain(({ plugins }, id) => plugins.deactivate(id))],
  'POST suspend': ['plugins.suspend', plain(({ plugins }, id) => plugins.suspend(id))],
  'POST resume': ['plugins.resume', plain(({ plugins }, id) => plugins.resume(id))],
  'POST reload': ['plugins.reload', plain(({ plugins }, id) => plugins.reload(id))],
  'POST rollback': ['plugins.rollback', plain(({ plugins }, id) => plugins.rollback(id))],
  'POST install': [
    'plugins.install',
    {
      package: true,
      act: async ({ kernel, found }) => ({
        id: await kernel.plugins.install(found as PluginPackage),
      }),
    },
  ],
  'POST update': [
    'plugins.update',
    {
      package: true,
      act: async ({ kernel, id, found }) => {
        pluginOf(kernel, id);
        await kernel.plugins.update(id, found as PluginPackage);
      },
    },
  ],
  'PUT config': [
    'plugins.configure',
    {
      act: async ({ kernel, id, body }) => {
        if (typeof body !== 'object' || body === null || Array.isArray(body))
          throw refuse(400, 'config/invalid', 'Send the settings to change as an object.');
        pluginOf(kernel, id);
        await kernel.config.set(id, body as Readonly<Record<string, unknown>>);
        return kernel.config.get(id);
      },
    },
  ],
  'DELETE ': [
    'plugins.uninstall',
    {
      act: async ({ kernel, id, query }) => {
        pluginOf(kernel, id);
        await kernel.plugins.uninstall(id, { purge: query.get('purge') === 'true' });
      },
    },
  ],
};

function linesOf(lines: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const parts = lines[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await parts.next();
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      async cancel() {
        await parts.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
