/** Adds permissions to a manifest's file, and changes nothing else of it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../files/write-files.js';
import type { Finding } from './finding.js';

type Json = Record<string, unknown>;

/** Applies every fix. Answers the findings that it has cured. */
export async function fixManifest(
  folder: string,
  findings: readonly Finding[],
): Promise<readonly Finding[]> {
  const fixable = findings.filter(({ fix }) => fix !== undefined);
  if (fixable.length === 0) return [];
  const file = join(folder, 'plugin.json');
  const text = await readFile(file, 'utf8');
  const manifest = JSON.parse(text.replace(/^\ufeff/, '')) as Json;
  for (const { fix } of fixable) if (fix !== undefined) allow(manifest, fix.permission, fix.scope);
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? '  ';
  await writeWhole(file, `${JSON.stringify(manifest, null, indent)}\n`);
  return fixable;
}

function allow(manifest: Json, permission: string, scope: string | true): void {
  const [resource, action] = permission.split('.') as [string, string];
  const permissions = child(manifest, 'permissions');
  const entry = child(permissions, resource);
  const before = entry[action];
  if (scope === true) entry[action] = true;
  else entry[action] = [...new Set([...(Array.isArray(before) ? before : []), scope])];
}

function child(parent: Json, key: string): Json {
  const value = (parent[key] ?? {}) as Json;
  parent[key] = value;
  return value;
}
