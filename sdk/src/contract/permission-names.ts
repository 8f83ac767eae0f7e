/** The permissions that exist. */

/** A permission's name: resource and action. */
export type PermissionName =
  | 'storage.read'
  | 'storage.write'
  | 'network.fetch'
  | 'commands.execute'
  | 'events.subscribe'
  | 'events.emit'
  | 'middleware.use'
  | 'hooks.call'
  | 'hooks.handle'
  | 'messaging.send'
  | 'services.get'
  | 'contracts.provide'
  | 'ui.show'
  | 'fs.read'
  | 'fs.write'
  | 'env.read'
  | 'config.read'
  | 'config.write'
  | 'secrets.read'
  | 'logs.write'
  | 'plugins.manage'
  | 'system.read'
  | 'wasm';

/** Every permission, in the order of the manifest. */
export const PERMISSION_NAMES: readonly PermissionName[] = [
  'storage.read',
  'storage.write',
  'network.fetch',
  'commands.execute',
  'events.subscribe',
  'events.emit',
  'middleware.use',
  'hooks.call',
  'hooks.handle',
  'messaging.send',
  'services.get',
  'contracts.provide',
  'ui.show',
  'fs.read',
  'fs.write',
  'env.read',
  'config.read',
  'config.write',
  'secrets.read',
  'logs.write',
  'plugins.manage',
  'system.read',
  'wasm',
];

/** Permissions a plugin has unless its manifest, policy or a revocation denies them. */
export const GIVEN: ReadonlySet<PermissionName> = new Set(['logs.write']);

/** Permissions without scopes: a plugin has them or not. */
export const FLAGS: ReadonlySet<PermissionName> = new Set(['logs.write', 'system.read']);
