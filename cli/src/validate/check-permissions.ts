/** Compares what the code can be seen to use with what the manifest asks for. */
import {
  type Manifest,
  ownerOf,
  type PermissionName,
  type Permissions,
  scopeCovers,
  scopesOf,
} from '@plinth/sdk/contract';
import type { JsonPlaces } from '../manifest/json-places.js';
import { type ContextCall, contextCalls, handedOn } from './context-uses.js';
import type { Finding } from './finding.js';
import { type SourceFile, textOf } from './parse-source.js';

/** One use of a permission. */
interface Use {
  readonly permission: PermissionName;
  /** What it is used for; undefined when that can't be seen. */
  readonly scope: string | undefined;
}

/** Members of the context, and the permission that each needs. The scope is the first argument. */
const MEMBERS: Readonly<Record<string, PermissionName | readonly PermissionName[]>> = {
  'storage.get': 'storage.read',
  'storage.has': 'storage.read',
  'storage.keys': 'storage.read',
  'storage.set': 'storage.write',
  'storage.delete': 'storage.write',
  'storage.clear': 'storage.write',
  'storage.update': ['storage.read', 'storage.write'],
  fetch: 'network.fetch',
  'commands.execute': 'commands.execute',
  'events.on': 'events.subscribe',
  'events.once': 'events.subscribe',
  'events.emit': 'events.emit',
  'hooks.handle': 'hooks.handle',
  'hooks.collect': 'hooks.call',
  'hooks.first': 'hooks.call',
  'hooks.waterfall': 'hooks.call',
  'hooks.parallel': 'hooks.call',
  'middleware.use': 'middleware.use',
  'messaging.send': 'messaging.send',
  'fs.read': 'fs.read',
  'fs.readText': 'fs.read',
  'fs.list': 'fs.read',
  'fs.stat': 'fs.read',
  'fs.write': 'fs.write',
  'fs.remove': 'fs.write',
  'env.get': 'env.read',
  'settings.set': 'config.write',
  'secrets.get': 'secrets.read',
};

/** Permissions over names of others: a plugin's own need none. */
const OF_OTHERS: ReadonlySet<PermissionName> = new Set([
  'commands.execute',
  'events.subscribe',
  'events.emit',
  'hooks.handle',
  'hooks.call',
]);

/** Permissions whose use is a member of the context, and so can be seen. */
const VISIBLE: ReadonlySet<PermissionName> = new Set(Object.values(MEMBERS).flat());

/** Findings about permissions. */
export function checkPermissions(
  manifest: Manifest,
  sources: readonly SourceFile[],
  places: JsonPlaces,
): readonly Finding[] {
  const used = new Set<PermissionName>();
  const findings = sources.flatMap((source) =>
    contextCalls(source).flatMap((call) => {
      const uses = usesOf(call, manifest.id);
      for (const { permission } of uses) used.add(permission);
      return uses
        .filter((use) => !isGranted(manifest.permissions, use))
        .map((use) => missing(source, call, use));
    }),
  );
  const hidden = new Set(sources.flatMap((source) => [...handedOn(source)]));
  return [...findings, ...unused(manifest, used, hidden, places)];
}

function usesOf({ member, arguments: given }: ContextCall, id: string): readonly Use[] {
  const names = Object.hasOwn(MEMBERS, member) ? [MEMBERS[member] ?? []].flat() : [];
  const scope = textOf(given[0]);
  return names.flatMap((permission) => {
    if (!OF_OTHERS.has(permission)) return [{ permission, scope }];
    // A reference to a contract's member isn't a text. Whose it is can't be seen here.
    if (scope === undefined) return [];
    const own = ownerOf(scope) === id || (!scope.includes(':') && !scope.includes('*'));
    return own ? [] : [{ permission, scope }];
  });
}

function isGranted(permissions: Permissions, { permission, scope }: Use): boolean {
  const asked = scopesOf(permissions, permission);
  if (scope === undefined || asked.includes('*')) return asked.length > 0;
  return asked.some((one) => scopeCovers(permission, one, scope));
}

function missing(
  source: SourceFile,
  { member, node }: ContextCall,
  { permission, scope }: Use,
): Finding {
  const [resource, action] = permission.split('.');
  const flag = resource === 'storage';
  const value = flag ? 'true' : `[${JSON.stringify(scope ?? '…')}]`;
  return {
    rule: 'permission/missing',
    severity: 'error',
    message: `ctx.${member} needs the permission ${permission}${scope === undefined ? '' : ` for '${scope}'`}, which the manifest doesn't ask for`,
    file: source.file,
    place: source.placeOf(node),
    cure: `Add to permissions in plugin.json: "${resource}": { "${action}": ${value} }`,
    ...((flag || scope !== undefined) && {
      fix: { permission, scope: flag ? true : (scope as string) },
    }),
  };
}

function unused(
  { permissions }: Manifest,
  used: ReadonlySet<PermissionName>,
  hidden: ReadonlySet<string>,
  places: JsonPlaces,
): readonly Finding[] {
  return (
    [...VISIBLE]
      .filter((name) => scopesOf(permissions, name).length > 0 && !used.has(name))
      // Uses are often references to members, which aren't texts, or are out of sight.
      .filter((name) => !OF_OTHERS.has(name) && !hidden.has(partOf(name)))
      .map((name) => ({
        rule: 'permission/unused',
        severity: 'warning',
        message: `the manifest asks for ${name}, and the code can't be seen to use it`,
        file: 'plugin.json',
        place: places.of(`permissions.${name}`),
        cure: 'Remove it: the operator who installs the plugin is asked for it.',
      }))
  );
}

/** The part of the context that a permission is about. */
const partOf = (name: PermissionName) =>
  name === 'network.fetch' ? 'fetch' : (name.split('.')[0] as string).replace('config', 'settings');
