/** What the admin API does with plugins: steps, packages, settings, rights and secrets. */
import type { PluginPackage } from '@plinth/kernel';
import { refuse } from '../problem.js';
import {
  type AdminKernel,
  type Asked,
  flagIn,
  numberIn,
  type Operation,
  objectIn,
  pluginOf,
  textIn,
} from './operation.js';
import type { Role } from './roles.js';

/** Milliseconds that calls may take to end before a step. */
export const MOST_DRAIN = 3_600_000;
const GRANT = '{"permission":"network.fetch","scope":"https://api.example.com"}';

type Plugins = AdminKernel['plugins'];
type PermissionName = Parameters<AdminKernel['permissions']['grant']>[1];

function step(
  name: string,
  summary: string,
  act: (plugins: Plugins, id: string, drain: { readonly drain?: number }) => Promise<unknown>,
  role: Role = 'operator',
): Operation {
  return {
    method: 'POST',
    path: `plugins/:id/${name}`,
    name: `plugins.${name}`,
    role,
    summary,
    query: ['drain'],
    act: async ({ kernel, params: { id = '' }, query }) => {
      pluginOf(kernel, id);
      const drain = numberIn(query, 'drain', MOST_DRAIN);
      await act(kernel.plugins, id, drain === undefined ? {} : { drain });
    },
  };
}

const ownerIn = (query: URLSearchParams) => {
  const owner = query.get('owner');
  return owner === null ? {} : { owner };
};

async function installed({ kernel, found, query }: Asked, answer: 'id' | 'facts') {
  const id = await kernel.plugins.install(found as PluginPackage, ownerIn(query));
  if (answer === 'id') return { id };
  const { version, state } = pluginOf(kernel, id);
  return { id, version, state };
}

async function update({ kernel, params: { id = '' }, query, found }: Asked): Promise<void> {
  pluginOf(kernel, id);
  // Without a word about it, the application is asked whether a version may have more rights.
  const consent = flagIn(query, 'consent') ? { consent: true } : {};
  await kernel.plugins.update(id, found as PluginPackage, { ...ownerIn(query), ...consent });
}

async function grant({ kernel, params: { id = '' }, body }: Asked, revoke: boolean) {
  pluginOf(kernel, id);
  const asked = objectIn(body, GRANT);
  const permission = textIn(asked, 'permission', GRANT) as PermissionName;
  const scope = scopeIn(asked);
  const { for: time } = asked;
  if (time !== undefined && (typeof time !== 'number' || !(time > 0)))
    throw refuse(400, 'http/body', "'for' is a number of milliseconds.");
  if (revoke) await kernel.permissions.revoke(id, permission, scope);
  else
    await kernel.permissions.grant(id, permission, scope, time === undefined ? {} : { for: time });
  return kernel.permissions.list(id);
}

/** Without a body all are forgotten. */
async function forget({ kernel, params: { id = '' }, body }: Asked) {
  pluginOf(kernel, id);
  if (body === undefined) await kernel.permissions.forget(id);
  else {
    const asked = objectIn(body, GRANT);
    const permission = textIn(asked, 'permission', GRANT) as PermissionName;
    await kernel.permissions.forget(id, permission, scopeIn(asked));
  }
  return { refused: kernel.permissions.refused(id) };
}

/** @throws Refusal 400. */
function scopeIn({ scope }: Readonly<Record<string, unknown>>): string | undefined {
  if (scope === undefined || typeof scope === 'string') return scope;
  throw refuse(400, 'http/body', `'scope' is a text: send ${GRANT}.`);
}

const settings: Operation = {
  method: 'PUT',
  path: 'plugins/:id/config',
  name: 'plugins.configure',
  role: 'operator',
  summary: 'Changes settings, and answers all of them',
  act: async ({ kernel, params: { id = '' }, body }) => {
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw refuse(400, 'config/invalid', 'Send the settings to change as an object.');
    pluginOf(kernel, id);
    await kernel.config.set(id, body as Readonly<Record<string, unknown>>);
    return kernel.config.get(id);
  },
};

const secrets: readonly Operation[] = [
  {
    method: 'GET',
    path: 'plugins/:id/secrets',
    name: 'secrets',
    role: 'operator',
    summary: 'The names of its secrets',
    act: async ({ kernel, params: { id = '' } }) => ({ names: await kernel.secrets.names(id) }),
  },
  {
    method: 'PUT',
    path: 'plugins/:id/secrets/:secret',
    name: 'secrets.set',
    role: 'admin',
    summary: 'Keeps a secret for a plugin: {"value": "…"}',
    act: async ({ kernel, params: { id = '', secret = '' }, body }) => {
      const example = '{"value":"…"}';
      await kernel.secrets.set(id, secret, textIn(objectIn(body, example), 'value', example));
    },
  },
  {
    method: 'DELETE',
    path: 'plugins/:id/secrets/:secret',
    name: 'secrets.delete',
    role: 'admin',
    summary: 'Deletes a secret',
    act: async ({ kernel, params: { id = '', secret = '' } }) => {
      if (!(await kernel.secrets.delete(id, secret)))
        throw refuse(404, 'http/secret', 'There is no such secret.');
    },
  },
];

/** Operations on plugins. */
export const PLUGIN_OPERATIONS: readonly Operation[] = [
  step('enable', 'Lets a plugin run', (plugins, id) => plugins.enable(id)),
  step('disable', 'Stops a plugin until it is enabled', (plugins, id, drain) =>
    plugins.disable(id, drain),
  ),
  step('activate', 'Starts a plugin', (plugins, id) => plugins.activate(id)),
  step('deactivate', 'Stops a plugin', (plugins, id, drain) => plugins.deactivate(id, drain)),
  step('suspend', 'Pauses a plugin', (plugins, id) => plugins.suspend(id)),
  step('resume', 'Lets a paused plugin go on', (plugins, id) => plugins.resume(id)),
  step('reload', 'Replaces the guest of a plugin', (plugins, id) => plugins.reload(id)),
  step('rollback', 'Goes back to the version before', (plugins, id) => plugins.rollback(id)),
  {
    method: 'POST',
    path: 'plugins',
    name: 'plugins.install',
    role: 'admin',
    summary: 'Installs an archive',
    body: 'archive',
    query: ['owner'],
    act: (asked) => installed(asked, 'facts'),
  },
  {
    method: 'POST',
    path: 'plugins/:id/install',
    name: 'plugins.install',
    role: 'admin',
    summary: 'Installs the package that the application finds for the body',
    body: 'package',
    query: ['owner'],
    act: (asked) => installed(asked, 'id'),
  },
  {
    method: 'POST',
    path: 'plugins/:id/update',
    name: 'plugins.update',
    role: 'admin',
    summary: 'Replaces a plugin by an archive, or by the package that the application finds',
    body: 'package',
    query: ['owner', 'consent'],
    act: update,
  },
  {
    method: 'DELETE',
    path: 'plugins/:id',
    name: 'plugins.uninstall',
    role: 'admin',
    summary: 'Uninstalls a plugin; with purge=true also its data',
    query: ['purge'],
    // With purge, the kernel also takes one that was uninstalled without.
    act: ({ kernel, params: { id = '' }, query }) =>
      kernel.plugins.uninstall(id, { purge: flagIn(query, 'purge') }),
  },
  settings,
  {
    method: 'POST',
    path: 'plugins/:id/permissions/grant',
    name: 'permissions.grant',
    role: 'admin',
    summary: `Grants a right: ${GRANT}`,
    act: (asked) => grant(asked, false),
  },
  {
    method: 'POST',
    path: 'plugins/:id/permissions/revoke',
    name: 'permissions.revoke',
    role: 'admin',
    summary: 'Takes a right away',
    act: (asked) => grant(asked, true),
  },
  {
    method: 'POST',
    path: 'plugins/:id/permissions/forget',
    name: 'permissions.forget',
    role: 'admin',
    summary: 'Forgets refused requests, so that the application is asked again',
    act: forget,
  },
  ...secrets,
];
