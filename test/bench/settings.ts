/** How long to measure: the defaults are for figures to quote, the environment shortens them to look at one row. */
import { env } from 'node:process';

export const ROUNDS = Number(env.ROUNDS ?? 7);
/** Milliseconds of one way in one round. */
export const MILLISECONDS = Number(env.MS ?? 150);
/** Workers in the rows with many, by runtime. */
export const CROWD = { node: Number(env.CROWD ?? 100), chromium: Number(env.CROWD ?? 50) } as const;
