/** Gets a PostgreSQL for the tests where that is possible. Its suites are skipped without one. */
import { spawnSync } from 'node:child_process';
import { findPostgres } from './find-postgres.ts';

/** Installs Debian's package, as root. Without it, a line says what is skipped. */
export function ensurePostgres(): void {
  if (process.env.PLINTH_POSTGRES_URL !== undefined || findPostgres() !== undefined) return;
  if (process.getuid?.() === 0 && run('apt-get', ['--version'])) {
    console.log('No PostgreSQL found: getting one for the tests.');
    run('apt-get', ['update', '-qq']);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'postgresql']);
    if (findPostgres() !== undefined) return;
  }
  console.log(
    'No PostgreSQL: its suites are skipped. Install one (Debian: apt-get install postgresql) or set PLINTH_POSTGRES_URL.',
  );
}

function run(command: string, args: readonly string[]): boolean {
  return spawnSync(command, [...args], { stdio: 'ignore', timeout: 600_000 }).status === 0;
}
