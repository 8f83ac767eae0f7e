/** The stages of a plugin's life, in order. A failure names its stage. */
export type Stage =
  | 'discover'
  | 'validate'
  | 'resolve'
  | 'load'
  | 'initialize'
  | 'activate'
  | 'run'
  | 'deactivate';
