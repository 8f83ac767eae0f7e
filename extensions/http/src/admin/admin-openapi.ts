/** The OpenAPI 3.1 document of the admin API. */
import { PROBLEM, SCHEMAS } from '../openapi.js';
import type { Operation } from './operation.js';

type Json = Readonly<Record<string, unknown>>;

/** Types of archives. */
export const ARCHIVES: readonly string[] = ['application/vnd.plinth', 'application/octet-stream'];

const TENANT = { $ref: '#/components/parameters/Tenant' };

/** Makes the document of the table. */
export function adminOpenApi(operations: readonly Operation[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) {
    const path = `/api/v1/${operation.path.replaceAll(/:(\w+)/g, '{$1}')}`;
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: described(operation) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Administration of plugins', version: '1' },
    security: [{ token: [] }],
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      parameters: {
        Tenant: {
          name: 'x-plinth-tenant',
          in: 'header',
          description: 'The tenant; the default one when absent',
          schema: { type: 'string' },
        },
      },
    },
  };
}

function described(operation: Operation): Json {
  const { method, path, name, role, summary, query = [], type = 'application/json' } = operation;
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, parameter]) => ({
    name: parameter,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = query.map((parameter) => ({
    name: parameter,
    in: 'query',
    schema: { type: 'string' },
  }));
  const content = bodyOf(operation);
  return {
    operationId: `${method.toLowerCase()} ${path}`,
    summary,
    description: `Action \`${name}\`, for the role \`${role}\`.`,
    parameters: [...inPath, ...inQuery, TENANT],
    ...(content !== undefined && { requestBody: { content } }),
    responses: {
      200: { description: 'The answer', content: { [type]: { schema: {} } } },
      ...(method !== 'GET' && { 204: { description: 'Done, without an answer' } }),
      default: PROBLEM,
    },
  };
}

function bodyOf({ method, body }: Operation): Json | undefined {
  const json = { 'application/json': { schema: {} } };
  const archives = Object.fromEntries(
    ARCHIVES.map((type) => [type, { schema: { type: 'string', format: 'binary' } }]),
  );
  if (body === 'archive') return archives;
  if (body === 'package') return { ...archives, ...json };
  if (body === 'lines') return { 'application/x-ndjson': { schema: { type: 'string' } } };
  return method === 'POST' || method === 'PUT' ? json : undefined;
}
