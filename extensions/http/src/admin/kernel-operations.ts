/** What the admin API does beside plugins: commands, tenants, events and its own description. */
import { answerOf } from '../commands.js';
import { traceparentOf } from '../incoming.js';
import { refuse } from '../problem.js';
import { answerFeed } from './feed-answer.js';
import type { Asked, Operation } from './operation.js';

async function execute({ kernel, operator, params, body, request, tenant }: Asked) {
  const { limits } = tenant.parts.settings;
  const traceparent = traceparentOf(request);
  const answer = await kernel.commands.execute(params.command ?? '', body, {
    user: operator.name,
    signal: request.signal,
    timeout: limits.timeout,
    ...(traceparent !== undefined && { traceparent }),
  });
  return answerOf(answer, limits.answer);
}

/** The kernel of all tenants. @throws Refusal 404 when this is the admin API of one. */
function allOf({ root, kernel }: Asked) {
  if (root.tenant === undefined || kernel !== root)
    throw refuse(404, 'http/tenant', 'Tenants are made by the admin API of the whole kernel.');
  return root.tenant;
}

/** Operations on the kernel. */
export const KERNEL_OPERATIONS: readonly Operation[] = [
  {
    method: 'POST',
    path: 'commands/:command',
    name: 'commands.execute',
    role: 'operator',
    summary: 'Calls a command with the body as its input, for the operator',
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
    summary: 'The tenants that are there',
    act: ({ tenants, kernel, root }) => ({
      tenants: kernel === root && root.tenant !== undefined ? [...tenants.keys()] : [kernel.id],
    }),
  },
  {
    method: 'POST',
    path: 'tenants/:tenant',
    name: 'tenants.create',
    role: 'admin',
    summary: 'Makes a tenant, and starts its plugins',
    act: async (asked) => {
      const { tenant = '' } = asked.params;
      const make = allOf(asked);
      if (asked.tenants.has(tenant))
        throw refuse(409, 'http/tenant', 'There is a tenant of this name.');
      const kernel = make(tenant) as { start?(): Promise<void> };
      await kernel.start?.();
      return { tenant };
    },
  },
  {
    method: 'DELETE',
    path: 'tenants/:tenant',
    name: 'tenants.delete',
    role: 'admin',
    summary: 'Stops a tenant. Its data stays',
    act: async (asked) => {
      const { tenant = '' } = asked.params;
      const find = allOf(asked);
      if (!asked.tenants.has(tenant)) throw refuse(404, 'http/tenant', 'There is no such tenant.');
      if (tenant === asked.root.id)
        throw refuse(409, 'http/tenant', 'The default tenant ends with the kernel.');
      await (find(tenant) as { stop?(): Promise<void> }).stop?.();
    },
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
      tickets.make({ operator, tenant: kernel.id, values: query.get('values') === 'true' }),
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
