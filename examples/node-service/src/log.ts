/** The log: a line of JSON for each entry, on the standard output. */

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LEVELS)[number];

/** Writes an entry, unless `LOG_LEVEL` asks for graver ones alone. */
export function log(level: Level, message: string, fields: object = {}): void {
  const least = LEVELS.indexOf((process.env['LOG_LEVEL'] ?? 'info') as Level);
  if (LEVELS.indexOf(level) < least) return;
  const entry = { time: new Date().toISOString(), level, message, ...fields };
  process.stdout.write(`${JSON.stringify(entry)}\n`);
}
