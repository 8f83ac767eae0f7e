/** The OpenAPI 3.1 document of the commands that the application exposes. */
import type { Parts } from './exchange.js';
import { covers } from './options.js';

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
export function openApi({ port, settings }: Parts): Json {
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
        paths.push([`/commands/${wire}`, { post: operationOf(wire, id, command) }]);
    }
  }
  paths.sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    openapi: '3.1.0',
    info: { title: 'Commands of plugins', version: '1' },
    paths: Object.fromEntries(paths),
    components: { schemas: SCHEMAS },
  };
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
