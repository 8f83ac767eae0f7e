/**
 * `@plinth/sdk/contracts`: contracts without an owner, which any number of plugins may provide, and
 * contracts that the kernel provides: `Plugins`, `Settings`, `System`. A plain call reaches the
 * provider that was found first, `<contract>:<member>@<plugin id>` reaches that one, a hook reaches
 * all.
 *
 * @module
 */
export { AnalyticsProvider } from './analytics-provider.js';
export { CliCommands } from './cli-commands.js';
export { DataProvider } from './data-provider.js';
export { HealthCheck } from './health-check.js';
export { HttpRoutes } from './http-routes.js';
export { MessageHandler } from './message-handler.js';
export { Plugins } from './plugins.js';
export { Settings } from './settings.js';
export { System } from './system.js';
