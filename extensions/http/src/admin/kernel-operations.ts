/** What the admin API does beside plugins: commands, tenants, events and its own description. */
import type { TenantUsage } from '@plinth/kernel';
import { PluginError } from '@plinth/sdk';
import { answerOf } from '../commands.js';
import { traceparentOf } from '../incoming.js';
import { refuse } from '../problem.js';
import { answerFeed } from './feed-answer.js';
import { type Asked, flagIn, numberIn, type Operation, objectIn } from './operation.js';
import { isStreamed, streamedAnswer } from './streamed-answer.js';

async function execute(asked: Asked) {
  const { kernel, operator, params, body, query, request, tenant } = asked;
  const { limits } = tenant.parts.settings;
  // Nothing moves on the connection meanwhile, so that it isn't open for longer.
  const timeout = numberIn(query, 'timeout', limits.timeout) ?? limits.timeout;
  const traceparent = traceparentOf(request);
  const answer = await kernel.commands.execute(params.command ?? '', body, {
    user: operator.name,
    signal: request.signal,
    timeout,
    ...(traceparent !== undefined && { traceparent }),
  });
  return isStreamed(answer, request)
    ? streamedAnswer(answer, asked)
    : answerOf(answer, limits.answer);
}

/** The kernel of all tenants. @throws Refusal 404 when this is the admin API of one. */
function allOf({ root, kernel }: Asked) {
  if (root.tenant === undefined || kernel !== root)
    throw refuse(404, 'http/tenant', 'Tenants are made by the admin API of the whole kernel.');
  return root.tenant;
}

async function listed(asked: Asked) {
  const { tenants, kernel, root, manager, query } = asked;
  const alone = kernel !== root || root.tenant === undefined;
  const usage = flagIn(query, 'usage') && { usage: await used(asked, alone) };
  if (alone) return { tenants: [kernel.id], ...usage };
  if (manager === undefined) return { tenants: [...tenants.keys()], ...usage };
  const all = await manager.list();
  return { tenants: [root.id, ...all.map(({ id }) => id)], facts: all, ...usage };
}

/** What each tenant uses that runs, and may. One after the other, as measuring costs each guest. */
async function used({ tenants, kernel, root }: Asked, alone: boolean): Promise<TenantUsage[]> {
  if (alone) return [await kernel.usage()];
  const told: TenantUsage[] = [];
  for (const id of [...tenants.keys()]) {
    // Asking for one that has stopped meanwhile would start it.
    const tenant = id === root.id ? root : tenants.has(id) ? root.tenant?.(id) : undefined;
    if (tenant !== undefined) told.push(await tenant.usage());
  }
  return told;
}

async function create(asked: Asked) {
  const { params, manager, tenants, body } = asked;
  const { tenant = '' } = params;
  const make = allOf(asked);
  if (manager !== undefined) {
    const what = body === undefined ? {} : objectIn(body, '{"config":{}}');
    try {
      await manager.create(tenant, what);
    } catch (error) {
      const isTaken = async () => (await manager.list()).some(({ id }) => id === tenant);
      throw isAbout(error, tenant) && (await isTaken()) ? taken() : error;
    }
    return { tenant };
  }
  if (tenants.has(tenant)) throw taken();
  const kernel = make(tenant) as { start?(): Promise<void> };
  await kernel.start?.();
  return { tenant };
}

const taken = () => refuse(409, 'http/tenant', 'There is a tenant of this name.');
const unknown = () => refuse(404, 'http/tenant', 'There is no such tenant.');

/** Whether a list of tenants refuses an id. */
const isAbout = (error: unknown, tenant: string): boolean =>
  error instanceof PluginError &&
  error.code === 'kernel/invalid-option' &&
  error.details.tenant === tenant;

async function remove(asked: Asked): Promise<void> {
  const { params, manager, tenants, query, root } = asked;
  const { tenant = '' } = params;
  const find = allOf(asked);
  const purge = flagIn(query, 'purge');
  if (tenant === root.id)
    throw refuse(409, 'http/tenant', 'The default tenant ends with the kernel.');
  if (manager !== undefined)
    try {
      return await manager.delete(tenant, { purge });
    } catch (error) {
      throw isAbout(error, tenant) ? unknown() : error;
    }
  if (purge)
    throw refuse(400, 'http/query', 'Only a kernel with a list of tenants deletes their data.');
  if (!tenants.has(tenant)) throw unknown();
  await (find(tenant) as { stop?(): Promise<void> }).stop?.();
}

/** Operations on the kernel. */
export const KERNEL_OPERATIONS: readonly Operation[] = [
  {
    method: 'POST',
    path: 'commands/:command',
    name: 'commands.execute',
    role: 'operator',
    summary:
      'Calls a command with the body as its input, for the operator; one of plinth.* for an admin',
    // They manage plugins, rights and databases, and the caller is the host here, which may all.
    forAdmin: ({ command = '' }) => command.startsWith('plinth.'),
    query: ['timeout'],
    act: execute,
  },
  {
    method: 'GET',
    path: 'commands',
    name: 'commands',
    role: 'viewer',
    summary: 'The commands that can be called',
    act: ({ kernel }) => ({ commands: kernel.commands.list() }),
  },
  {
    method: 'GET',
    path: 'tenants',
    name: 'tenants',
    role: 'viewer',
    summary: 'The tenants that are there; with usage=true what each uses that runs, and may',
    query: ['usage'],
    act: listed,
  },
  {
    method: 'POST',
    path: 'tenants/:tenant',
    name: 'tenants.create',
    role: 'admin',
    summary: 'Makes a tenant, with settings and secrets where the application has a list',
    act: create,
  },
  {
    method: 'DELETE',
    path: 'tenants/:tenant',
    name: 'tenants.delete',
    role: 'admin',
    summary:
      'Stops a tenant; with purge=true its data is deleted, where the application has a list',
    query: ['purge'],
    act: remove,
  },
  {
    method: 'POST',
    path: 'tickets',
    name: 'events',
    role: 'viewer',
    summary: 'A ticket that opens GET events once, for clients that can send no header',
    query: ['values'],
    changes: false,
    act: ({ tickets, operator, kernel, query }) =>
      tickets.make({ operator, tenant: kernel.id, values: flagIn(query, 'values') }),
  },
  {
    method: 'GET',
    path: 'events',
    name: 'events',
    role: 'viewer',
    summary: 'What happens, as Server-Sent Events or over a WebSocket',
    query: ['topic', 'cursor', 'values', 'ticket'],
    type: 'text/event-stream',
    act: answerFeed,
  },
];
