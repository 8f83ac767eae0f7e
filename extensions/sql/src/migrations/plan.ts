/** Compares the migrations of a version with those that have run. Nothing runs before that. */
import { createError, type ErrorCode } from '@plinth/sdk/contract';
import type { Applied } from '../backend/work.js';
import type { Migration } from './texts.js';

/** Whose migrations they are. */
export interface Version {
  readonly id: string;
  readonly version: string;
}

/**
 * The migrations that have to run.
 *
 * @throws PluginLifecycleError `sql/migration-changed`; and `sql/migration-missing` when a later
 * version has changed the data in a way that this one can't know.
 */
export function planOf(
  { id, version }: Version,
  migrations: readonly Migration[],
  applied: readonly Applied[],
): readonly Migration[] {
  const refuse = (code: ErrorCode, migration: string, what: string) =>
    createError(code, `${id}@${version} can't start on its database: ${what}`, {
      plugin: id,
      details: { migration },
    });
  const own = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const { name, checksum } of applied) {
    const here = own.get(name);
    if (here !== undefined && here.checksum !== checksum)
      throw refuse(
        'sql/migration-changed',
        name,
        `its migration '${name}' has another text than when it ran; write a new migration instead`,
      );
  }
  const todo = migrations.filter(({ name }) => !applied.some((one) => one.name === name));
  // What a later version has added stands in no way; what it has changed or removed does.
  const foreign = applied.filter(({ name }) => !own.has(name));
  const last = migrations.at(-1)?.name ?? '';
  for (const { name, additive } of foreign)
    if (name < last || !additive)
      throw refuse(
        'sql/migration-missing',
        name,
        `'${name}' has run, and this version doesn't have it; start a version that has it, or restore a backup from before it`,
      );
  const newest = applied.at(-1)?.name ?? '';
  const late = todo.find(({ name }) => name < newest);
  if (late !== undefined)
    throw refuse(
      'sql/migration-changed',
      late.name,
      `its migration '${late.name}' comes before '${newest}', which has run; give it a higher number`,
    );
  return todo;
}
