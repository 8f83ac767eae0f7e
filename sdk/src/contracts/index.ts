/**
 * `@plinth/sdk/contracts`: contracts that belong to nobody, so that any number of plugins may provide them. A plain call reaches
 * the provider that was found first, `<contract>:<member>@<plugin id>` one of them, a hook all.
 *
 * @module
 */
export { AnalyticsProvider } from './analytics-provider.js';
export { CliCommands } from './cli-commands.js';
export { DataProvider } from './data-provider.js';
export { HealthCheck } from './health-check.js';
export { HttpRoutes } from './http-routes.js';
export { MessageHandler } from './message-handler.js';
