/** The states of a plugin, in the order of its life. `record.ts` says what is known in each. */
export type PluginState =
  | 'discovered'
  | 'validated'
  | 'denied'
  | 'resolved'
  | 'loaded'
  | 'initialized'
  | 'active'
  | 'suspended'
  | 'unloaded'
  | 'failed';
