/** The OpenAPI 3.1 document of exposed commands, and of routes that manifests declare. */
import type { DeclaredRoute } from './contribution.js';
import type { Parts } from './exchange.js';
import { covers } from './options.js';
import { isServed } from './places.js';

type Json = Readonly<Record<string, unknown>>;

/** The answer of a failed request. */
export const PROBLEM = {
  description: 'A problem document (RFC 9457)',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};
/** Schemas that documents refer to. */
export const SCHEMAS = {
  Problem: {
    type: 'object',
    required: ['status', 'code', 'requestId'],
    properties: {
      type: { type: 'string' },
      title: { type: 'string' },
      status: { type: 'integer' },
      code: { type: 'string' },
      detail: { type: 'string' },
      requestId: { type: 'string' },
    },
  },
};

/** Makes the document of what manifests say now. It starts no plugin. */
export function openApi({ port, settings, declared }: Parts): Json {
  const seen = new Set<string>();
  const paths: [string, Json][] = [];
  for (const { id } of port.plugins.all()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const plugin = port.plugins.get(id);
    if (plugin?.enabled !== true) continue;
    for (const command of plugin.manifest?.contributes.commands ?? []) {
      const wire = `${id}:${command.id}`;
      if (covers(settings.expose, wire))
        paths.push([`/commands/${wire}`, { method: 'post', ...operationOf(wire, id, command) }]);
    }
  }
  for (const { plugin, value } of declared.all())
    if (plugin.enabled)
      for (const route of value) {
        const mount = settings.mounts[route.area];
        if (mount !== false && isServed(plugin.id, mount, settings.mounts))
          paths.push(routeOf(`${mount}/${plugin.id}`, plugin.id, route));
      }
  paths.sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    openapi: '3.1.0',
    info: { title: 'Commands and routes of plugins', version: '1' },
    paths: merged(paths),
    components: { schemas: SCHEMAS },
  };
}

/** Parameters in a path of a document. */
const PARAMETER = /\{([^}]*)\}/g;

/**
 * Methods of one path are told together. A document can't have two paths that differ in the names of
 * their parameters alone, so they are one, with the names of the first.
 */
function merged(paths: readonly (readonly [string, Json])[]): Json {
  const all: Record<string, Json> = {};
  const firsts = new Map<string, string>();
  for (const [path, { method, ...operation }] of paths) {
    const shape = path.replaceAll(PARAMETER, '{}');
    const first = firsts.get(shape) ?? path;
    firsts.set(shape, first);
    all[first] = { [method as string]: { ...operation, ...parametersOf(first) }, ...all[first] };
  }
  return all;
}

function parametersOf(path: string): Json {
  const names = [...path.matchAll(PARAMETER)].map(([, name]) => name);
  if (names.length === 0) return {};
  const shared = { in: 'path', required: true, schema: { type: 'string' } };
  return { parameters: names.map((name) => ({ name, ...shared })) };
}

/** The path of a route, and what is told of it. */
function routeOf(mount: string, plugin: string, route: DeclaredRoute): [string, Json] {
  const path = mount + route.path.replaceAll(/\/[:*]([^/]+)/g, '/{$1}');
  const method = route.method.toLowerCase();
  return [
    path,
    {
      method,
      operationId: `${method} ${path}`,
      tags: [plugin],
      ...(route.summary !== undefined && { summary: route.summary }),
      responses: {
        ...(route.socket === true && { 101: { description: 'A WebSocket' } }),
        200: { description: 'The answer' },
        default: PROBLEM,
      },
    },
  ];
}

function operationOf(
  wire: string,
  plugin: string,
  {
    title,
    description,
    input,
    output,
  }: {
    readonly title?: string;
    readonly description?: string;
    readonly input?: unknown;
    readonly output?: unknown;
  },
): Json {
  return {
    operationId: wire,
    tags: [plugin],
    ...(title !== undefined && { summary: title }),
    ...(description !== undefined && { description }),
    ...(input !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: input } } },
    }),
    responses: {
      200: {
        description: 'The answer',
        content: { 'application/json': { schema: output ?? {} } },
      },
      204: { description: 'Done, without an answer' },
      default: PROBLEM,
    },
  };
}
