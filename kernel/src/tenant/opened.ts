/** What a tenant needs once it opens. It is one chunk of code, loaded while manifests are read. */

export { kernelHealth, pluginHealth, withTenants } from '../telemetry/health.js';
export { Engine } from './engine.js';
export { Packages } from './packages.js';
