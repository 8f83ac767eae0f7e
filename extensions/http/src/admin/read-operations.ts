/** What the admin API reads. */
import type { AuditHead } from '@plinth/kernel';
import { jsonResponse } from '../exchange.js';
import { refuse } from '../problem.js';
import { entriesText } from './log-entries.js';
import {
  type Asked,
  numberIn,
  type Operation,
  pluginOf,
  textResponse,
  timeIn,
} from './operation.js';

/** Entries of the log in an answer. */
const MOST_ENTRIES = 10_000;
const ENTRIES = 100;
const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error'];
const PLAIN = 'text/plain; charset=utf-8';
const LINES = 'application/x-ndjson';
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

const read = (
  path: string,
  name: string,
  summary: string,
  act: Operation['act'],
  more: Partial<Operation> = {},
): Operation => ({ method: 'GET', path, name, summary, role: 'viewer', act, ...more });

const ofPlugin = (
  detail: string,
  summary: string,
  act: (asked: Asked, id: string) => unknown,
  more: Partial<Operation> = {},
): Operation =>
  read(
    detail === '' ? 'plugins/:id' : `plugins/:id/${detail}`,
    `plugins.${detail === '' ? 'status' : detail.replace('/', '.')}`,
    summary,
    (asked) => {
      const { id = '' } = asked.params;
      pluginOf(asked.kernel, id);
      return act(asked, id);
    },
    more,
  );

const statusOf = async ({ kernel }: Asked, id: string) => ({
  ...pluginOf(kernel, id),
  health: await kernel.plugins.health(id),
});

/** Operations that change nothing. */
export const READINGS: readonly Operation[] = [
  read(
    'plugins',
    'plugins',
    'The installed plugins',
    ({ kernel: { plugins }, query }) => {
      const text = query.get('search');
      const found = text === null ? plugins.list() : plugins.search(text);
      return { plugins: found.map(({ manifest: _, ...facts }) => facts) };
    },
    { query: ['search'] },
  ),
  ofPlugin('', 'State and health of a plugin', statusOf),
  ofPlugin('status', 'State and health of a plugin', statusOf),
  ofPlugin(
    'manifest',
    'Its manifest',
    ({ kernel }, id) => kernel.plugins.get(id)?.manifest ?? null,
  ),
  ofPlugin('explain', 'Why it is in its state', ({ kernel }, id) => kernel.plugins.explain(id)),
  ofPlugin('usage', 'What it uses', ({ kernel }, id) => kernel.plugins.usage(id)),
  ofPlugin('capabilities', 'What it offers', ({ kernel }, id) => kernel.plugins.capabilities(id)),
  ofPlugin('config', 'Its settings', ({ kernel }, id) => kernel.config.get(id)),
  ofPlugin('config/layers', 'Its settings, each with the layer that it is from', (asked, id) =>
    asked.kernel.config.layers(id),
  ),
  ofPlugin('permissions', 'Its rights', ({ kernel }, id) => kernel.permissions.list(id)),
  ofPlugin(
    'permissions/refused',
    'Rights that it asked for and was refused, and is refused without a question',
    ({ kernel }, id) => ({ refused: kernel.permissions.refused(id) }),
  ),
  ofPlugin('logs', 'What it logged last', (asked, id) => logsOf(asked, id), {
    query: ['level', 'limit'],
  }),
  read('logs', 'logs', 'What was logged last', (asked) => logsOf(asked, undefined), {
    query: ['plugin', 'level', 'limit'],
  }),
  read(
    'health',
    'health',
    'The health of the kernel; 503 when it is unhealthy',
    async ({ kernel }) => {
      const whole = await kernel.health();
      return jsonResponse(whole, whole.status === 'unhealthy' ? 503 : 200);
    },
  ),
  read('diagnostics', 'diagnostics', 'What the kernel knows of itself', ({ kernel }) =>
    kernel.diagnostics(),
  ),
  read('usage', 'usage', 'What the plugins use', ({ kernel }) => kernel.plugins.usage()),
  read('usage/tenant', 'usage.tenant', 'What the plugins use together, and may', ({ kernel }) =>
    kernel.usage(),
  ),
  read(
    'leftovers',
    'leftovers',
    'Data of plugins that are not installed any more',
    async ({ kernel }) => ({
      leftovers: await kernel.plugins.leftovers(),
    }),
  ),
  read('report', 'report', 'Calls and failures in a span of time', reportOf, {
    query: ['format', 'from', 'to', 'plugin'],
  }),
  read(
    'metrics',
    'metrics',
    'Metrics in the format of Prometheus',
    async ({ kernel }) => textResponse(await kernel.metrics.prometheus(), PROMETHEUS),
    { type: PROMETHEUS },
  ),
  read('audit', 'audit', 'The audit log, as lines of JSON', auditOf, {
    query: ['from', 'to', 'plugin'],
    type: LINES,
  }),
  read(
    'audit/verify',
    'audit.verify',
    'Whether the audit log is whole',
    ({ kernel, query }) => {
      const head = query.get('head');
      return kernel.audit.verify(head === null ? undefined : { head: headOf(head) });
    },
    { query: ['head'] },
  ),
  read('audit/head', 'audit.head', 'The end of the audit log, for a later check', ({ kernel }) =>
    kernel.audit.head(),
  ),
];

function logsOf({ kernel, query }: Asked, plugin: string | undefined): Response {
  const level = query.get('level') ?? 'debug';
  if (!LEVELS.includes(level))
    throw refuse(400, 'http/query', `'level' is one of ${LEVELS.join(', ')}.`);
  const limit = numberIn(query, 'limit', MOST_ENTRIES) ?? ENTRIES;
  const source = plugin ?? query.get('plugin') ?? undefined;
  const entries = kernel.logger
    .recent(source)
    .filter((entry) => LEVELS.indexOf(entry.level) >= LEVELS.indexOf(level));
  const text = entriesText(limit === 0 ? [] : entries.slice(-limit));
  return textResponse(`{"entries":${text}}`, 'application/json');
}

async function reportOf({ kernel, query }: Asked): Promise<Response> {
  const format = query.get('format') ?? 'json';
  const [from, to] = [timeIn(query, 'from'), timeIn(query, 'to')];
  const plugin = query.get('plugin');
  const asked = {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(plugin !== null && { plugin }),
  };
  if (format === 'text') return textResponse(await kernel.report({ ...asked, format }), PLAIN);
  if (format === 'csv')
    return textResponse(await kernel.report({ ...asked, format }), 'text/csv; charset=utf-8');
  if (format !== 'json') throw refuse(400, 'http/query', "The format is 'json', 'text' or 'csv'.");
  return jsonResponse(await kernel.report(asked));
}

async function auditOf({ kernel, query }: Asked): Promise<Response> {
  const [from, to] = [timeIn(query, 'from'), timeIn(query, 'to')];
  const plugin = query.get('plugin');
  const lines = kernel.audit.export({
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(plugin !== null && { plugin }),
  });
  return textResponse(await linesOf(lines), LINES);
}

function headOf(text: string): AuditHead {
  try {
    return JSON.parse(text) as AuditHead;
  } catch {
    throw refuse(400, 'http/query', "'head' is what GET audit/head has answered, as JSON.");
  }
}

/** Rejects with what keeps the first line from being made, so that it is told by the status. */
async function linesOf(lines: AsyncIterable<string>): Promise<ReadableStream<Uint8Array>> {
  const parts = lines[Symbol.asyncIterator]();
  let first: Promise<IteratorResult<string>> | undefined = Promise.resolve(await parts.next());
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await (first ?? parts.next());
        first = undefined;
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
