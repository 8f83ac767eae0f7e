/** Routes for an HTTP server. */
import * as v from 'valibot';
import { command, contract } from '../contract/contract.js';

const headers = v.record(v.string(), v.string());
const lists = v.record(v.string(), v.array(v.string()));
/** The list of the manifest that has the route, where that is not `routes`. */
const area = v.optional(v.picklist(['api', 'web']));

/**
 * What a plugin answers over HTTP. Bodies are strings, bytes or streams; the host chooses the path where a
 * plugin is mounted.
 */
export const HttpRoutes = contract('plinth.http-routes@1', {
  list: command({
    output: v.array(
      v.object({
        method: v.picklist(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
        path: v.string(),
        summary: v.optional(v.string()),
        area,
      }),
    ),
  }),
  handle: command({
    input: v.object({
      method: v.string(),
      path: v.string(),
      area,
      query: v.optional(headers, {}),
      /** All values of each parameter, where `query` has the first. */
      queries: v.optional(lists, {}),
      headers: v.optional(headers, {}),
      body: v.optional(v.unknown()),
    }),
    output: v.object({
      status: v.pipe(v.number(), v.integer(), v.minValue(100), v.maxValue(599)),
      /** A list sends a header several times. */
      headers: v.optional(v.record(v.string(), v.union([v.string(), v.array(v.string())])), {}),
      body: v.optional(v.unknown()),
    }),
  }),
});
