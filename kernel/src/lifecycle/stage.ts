/** The stages of a life, in order; a failure names the one it happened in. */
export type Stage = 'discover' | 'validate' | 'resolve' | 'load' | 'initialize' | 'activate' | 'run' | 'deactivate';
