/**
 * `@plinth/cli`: what the program `plinth` does, for other tools.
 *
 * @module
 */
export { type ArchiveLimits, readArchive } from '@plinth/kernel/archive';
export { writeArchive } from './archive/write-archive.js';
export { type BundleOptions, bundlePlugin, type PluginBundle } from './bundle/bundle-plugin.js';
export type { FileTree } from './files/write-files.js';
export { defineConfig, type ProjectConfig } from './project/project-config.js';
export { CliError } from './terminal/cli-error.js';
export type { Finding, RuleId, Severity } from './validate/finding.js';
export {
  type ValidateOptions,
  type Validation,
  validatePlugin,
} from './validate/validate-plugin.js';
