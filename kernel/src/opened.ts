/**
 * What a tenant needs when it opens: the code that installs and updates plugins, and what is
 * recorded of them. It is one chunk of code, loaded while the first manifests are read.
 */
export { AuditLog } from './audit/audit-log.js';
export { Replacing } from './lifecycle/replacing.js';
export { Messaging } from './messaging/messaging.js';
export { Installer } from './registry/installer.js';
export { TimesLog } from './registry/plugin-times.js';
export { RegistryStore } from './registry/registry-store.js';
export { Hibernation } from './supervision/hibernation.js';
export { kernelHealth, pluginHealth, withTenants } from './telemetry/health.js';
