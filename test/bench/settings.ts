/**
 * How long to measure. The defaults are for published figures; the environment shortens them for a
 * quick look.
 */
import { env } from 'node:process';

export const ROUNDS = Number(env.ROUNDS ?? 7);
/** Milliseconds of one variant in one round. */
export const MILLISECONDS = Number(env.MS ?? 150);
/** The time after activation that counts as cold: a second and a half by default. */
export const COLD = 10 * MILLISECONDS;
/** Plugins that start together. */
export const CROWD = Number(env.CROWD ?? 50);
/** Guests that get the same event, by runtime. */
export const AUDIENCE = {
  node: Number(env.CROWD ?? 100),
  chromium: Number(env.CROWD ?? 50),
} as const;
