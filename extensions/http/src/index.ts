/**
 * `@plinth/http`: routes of a plugin. The application mounts them with `http()` of
 * `@plinth/http/host`.
 *
 * @module
 */
export { HttpRoutes } from '@plinth/sdk/contracts';
export { type EventStreamOptions, eventStream, type ServerSentEvent } from './event-stream.js';
export type { ParametersOf } from './path-pattern.js';
export {
  type RouteAnswer,
  type RouteAreas,
  type RouteHandler,
  type RouteHandlers,
  type RouteRequest,
  routes,
} from './plugin-routes.js';
