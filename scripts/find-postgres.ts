/** Finds the binaries of a PostgreSQL server. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onPath } from './find-chromium.ts';

/** Where Debian puts them, by version. */
const DEBIAN = '/usr/lib/postgresql';
/** The first version that `@plinth/sql` works with. */
const FIRST = 15;

/** The folder of `initdb` and `postgres`; undefined when there is none. */
export function findPostgres(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN) : [];
  const found = versions
    .filter((version) => Number(version) >= FIRST)
    .sort((one, other) => Number(other) - Number(one))
    .map((version) => join(DEBIAN, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
  if (found !== undefined) return found;
  const program = onPath('initdb');
  return program === undefined ? undefined : dirname(program);
}
