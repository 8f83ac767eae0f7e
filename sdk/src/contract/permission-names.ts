/** What can be asked for. */

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
  | 'fs.read'
  | 'fs.write'
  | 'env.read'
  | 'config.read'
  | 'config.write'
  | 'secrets.read'
  | 'workers'
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
  'fs.read',
  'fs.write',
  'env.read',
  'config.read',
  'config.write',
  'secrets.read',
  'workers',
  'wasm',
];
