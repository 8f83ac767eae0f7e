/** The names of the powers that an extension may declare. */
export const POWERS = [
  'events',
  'documents',
  'provide',
  'calls',
  'intercept',
  'verify',
  'transition',
  'steer',
  'guests',
  'rights',
  'contribute',
  'source',
  'launch',
  'metrics',
  'core',
] as const;

/** The name of a power. */
export type Power = (typeof POWERS)[number];
