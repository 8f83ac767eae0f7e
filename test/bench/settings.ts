/**
 * How long to measure. The defaults are for published figures; the environment shortens them for a
 * quick look.
 */
import { env } from 'node:process';

export const ROUNDS = Number(env.ROUNDS ?? 7);
/** Milliseconds of one variant in one round. */
export const MILLISECONDS = Number(env.MS ?? 150);
/** Workers in the rows with many, by runtime. */
export const CROWD = { node: Number(env.CROWD ?? 100), chromium: Number(env.CROWD ?? 50) } as const;
