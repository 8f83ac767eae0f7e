/** What an operation of the admin API is, and what its code gets. */
import type { Kernel, PluginPackage, PluginSource } from '@plinth/kernel';
import type { Tenants } from '@plinth/kernel/tenants';
import type { Exchange, Parts } from '../exchange.js';
import { refuse } from '../problem.js';
import type { Operator, Role } from './roles.js';
import type { Tickets } from './tickets.js';

/** The members of a kernel, or of a tenant, that the admin API uses. */
export interface AdminKernel
  extends Pick<
    Kernel,
    | 'audit'
    | 'commands'
    | 'config'
    | 'diagnostics'
    | 'events'
    | 'health'
    | 'id'
    | 'logger'
    | 'metrics'
    | 'permissions'
    | 'plugins'
    | 'report'
    | 'secrets'
    | 'storage'
    | 'usage'
  > {
  /** Absent in a tenant, whose admin API reaches no other. */
  tenant?(id: string): AdminKernel;
}

/** Makes and deletes tenants: `kernel.extension(tenants).manage(kernel)`. */
export type TenantManager = Pick<Tenants<unknown>, 'create' | 'delete' | 'list'>;

/** What an operation is asked with. */
export interface Asked {
  readonly kernel: AdminKernel;
  readonly operator: Operator;
  /** Parameters of the path, checked. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
  /** The package of an installation or an update. */
  readonly found: PluginPackage | PluginSource | undefined;
  readonly request: Request;
  readonly exchange: Exchange;
  readonly tenant: TenantParts;
  readonly tickets: Tickets;
  /** Tenants that are there. */
  readonly tenants: ReadonlyMap<string, TenantParts>;
  /** Absent: tenants are made by asking for them, and nothing keeps a list. */
  readonly manager: TenantManager | undefined;
  /** The kernel of all tenants, or the only tenant that this admin API has. */
  readonly root: AdminKernel;
}

/** The handler's parts of a tenant, and what the admin API has made of them. */
export interface TenantParts {
  readonly parts: Parts;
  fetch(request: Request): Promise<Response>;
}

/** Something that the admin API does. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Behind `/api/v1/`. Segments like `:id` are parameters. */
  readonly path: string;
  readonly name: string;
  readonly role: Role;
  readonly summary: string;
  /** Whether what these parameters name is for admins alone. */
  forAdmin?(params: Readonly<Record<string, string>>): boolean;
  /** What its body is. Default: nothing that is read for GET, else JSON. */
  readonly body?: 'package' | 'archive' | 'lines';
  /** Names of the parameters in its query. */
  readonly query?: readonly string[];
  /** The type of its answer. Default: JSON. */
  readonly type?: string;
  /** Whether it changes something, and is in the audit log. Default: all but GET do. */
  readonly changes?: false;
  /** A value is sent as JSON, undefined is 204. */
  act(asked: Asked): unknown;
}

/** The facts of a plugin. @throws Refusal 404. */
export function pluginOf({ plugins }: AdminKernel, id = '') {
  const plugin = plugins.get(id);
  if (plugin === undefined) throw refuse(404, 'plugin/not-found', 'This plugin is not installed.');
  const { manifest: _, ...facts } = plugin;
  return facts;
}

/** A text as a response. */
export const textResponse = (body: string | ReadableStream<Uint8Array>, type: string): Response =>
  new Response(body as string, {
    headers: {
      'content-type': type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  });

/** A whole number of the query. @throws Refusal 400. */
export function numberIn(query: URLSearchParams, name: string, most: number): number | undefined {
  const given = query.get(name);
  if (given === null) return undefined;
  const value = Number(given);
  if (!/^\d{1,16}$/.test(given) || value > most)
    throw refuse(400, 'http/query', `'${name}' is a whole number from 0 to ${most}.`);
  return value;
}

/** Whether a parameter of the query is `true`. @throws Refusal 400 for another word than `false`. */
export function flagIn(query: URLSearchParams, name: string): boolean {
  const given = query.get(name);
  if (given === 'true') return true;
  if (given === null || given === 'false') return false;
  throw refuse(400, 'http/query', `'${name}' is true or false.`);
}

/** A moment of the query: milliseconds since the epoch, or an ISO date. @throws Refusal 400. */
export function timeIn(query: URLSearchParams, name: string): number | undefined {
  const given = query.get(name);
  if (given === null) return undefined;
  const time = /^\d{1,16}$/.test(given) ? Number(given) : Date.parse(given);
  if (!Number.isFinite(time))
    throw refuse(400, 'http/query', `'${name}' is a date, like 2026-01-31, or milliseconds.`);
  return time;
}

/** The members of a body that is an object. @throws Refusal 400. */
export function objectIn(body: unknown, example: string): Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw refuse(400, 'http/body', `Send an object of JSON, like ${example}.`);
  return body as Readonly<Record<string, unknown>>;
}

/** A text in a body. @throws Refusal 400. */
export function textIn(
  body: Readonly<Record<string, unknown>>,
  name: string,
  example: string,
): string {
  const value = body[name];
  if (typeof value !== 'string' || value === '')
    throw refuse(400, 'http/body', `'${name}' is a text: send ${example}.`);
  return value;
}
