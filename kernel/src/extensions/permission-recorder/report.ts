/** An observation in words. */
import { PERMISSION_NAMES, type Permissions, scopesOf } from '@plinth/sdk/contract';
import type { Observation } from './observation.js';

/** One line for each right that the manifest lacks, and for each that no use needed. */
export function textOf(facts: Omit<Observation, 'text'>): string {
  const { plugin, version, least, missing, unused, partial } = facts;
  return [
    `${plugin} ${version} needs "permissions": ${JSON.stringify(least)}`,
    ...linesOf('missing', missing),
    ...linesOf('unused', unused),
    ...(missing.storage?.quota === undefined
      ? []
      : [`missing storage.quota: ${missing.storage.quota} bytes`]),
    ...partial.map((name) => `${name} has more scopes than are kept: its declared ones stay`),
  ].join('\n');
}

/** Scopes are texts of a plugin, so they are quoted. */
const linesOf = (what: string, permissions: Permissions): readonly string[] =>
  PERMISSION_NAMES.flatMap((name) =>
    written(permissions, name).map((scope) => `${what} ${name}: ${JSON.stringify(scope)}`),
  );

/** A right that every plugin is given counts only where it is written. */
const written = (permissions: Permissions, name: (typeof PERMISSION_NAMES)[number]) =>
  name === 'logs.write' && permissions.logs === undefined ? [] : scopesOf(permissions, name);
