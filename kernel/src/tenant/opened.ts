/** What a tenant needs once it opens. It is one chunk of code, loaded while manifests are read. */

export { kernelHealth, withTenants } from '../api/health.js';
export { pluginHealth } from '../lifecycle/plugin-health.js';
export { Engine } from './engine.js';
export { Packages } from './packages.js';
