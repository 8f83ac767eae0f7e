/** The admin API at `/api/v1`. Every request is authorized, and every change is in the audit log. */
import { checkOptionNames, createError } from '@plinth/sdk/contract';
import { connections } from '../connection.js';
import { decided, type Exchange, jsonResponse } from '../exchange.js';
import { LIMITS } from '../options.js';
import { problemOf, refuse } from '../problem.js';
import { ClientRate } from './client-rate.js';
import { feedOf } from './feed-sources.js';
import { openly } from './openly.js';
import {
  type AdminKernel,
  type Asked,
  flagIn,
  type Operation,
  type TenantManager,
  type TenantParts,
} from './operation.js';
import { operationOf } from './operations.js';
import { type OperatorOptions, Operators } from './operators.js';
import { MOST_DRAIN } from './plugin-operations.js';
import { contentOf, type FindPackage } from './request-body.js';
import type { AdminAction, Operator } from './roles.js';
import { Tickets } from './tickets.js';

/** Options of the admin API: `authorize`, or `tokens`, or both. */
export interface AdminOptions extends OperatorOptions {
  /**
   * The package that an installation or an update names in its body. Undefined: there is none.
   * Absent: what is installed or updated is an archive.
   */
  package?(...about: Parameters<FindPackage>): ReturnType<FindPackage>;
  /**
   * The application's list of tenants, `kernel.extension(tenants).manage(kernel)`. Absent: those that
   * run are told, and one is made by starting it.
   */
  readonly tenants?: TenantManager;
  /** Requests of one client in a minute. Default: 600. `Infinity` for no bound. */
  readonly rate?: number;
  /**
   * Which client makes a request, for `rate`. Default: the address of the connection; the operator
   * where there is none. Behind a proxy, name the client that the proxy has seen.
   */
  client?(request: Request): string | undefined;
}

/** What an admin API is made with. */
export interface AdminParts {
  readonly kernel: AdminKernel;
  readonly options: AdminOptions;
  /** Tenants that are there, by their ids. */
  readonly tenants: ReadonlyMap<string, TenantParts>;
}

/** One request, and what it is for. */
interface Asking extends Pick<Asked, 'exchange' | 'kernel' | 'params' | 'request' | 'tenant'> {
  readonly operation: Operation;
  readonly action: AdminAction;
  readonly query: URLSearchParams;
}

const RATE = 600;
/** Milliseconds that a step may take beside the time for calls to end. */
const LEEWAY = 60_000;
/** Characters of a client's name. */
const MOST_CLIENT = 128;

/** Answers the requests of an admin API. */
export class Admin {
  readonly #parts: AdminParts;
  readonly #operators: Operators;
  readonly #rate: ClientRate;
  readonly #tickets = new Tickets();
  /** Milliseconds in which `authorize` has to answer. */
  readonly #timeout: number;

  /** @throws PluginConfigurationError `kernel/invalid-option`. */
  constructor(parts: AdminParts) {
    checkAdmin(parts);
    const { rate = RATE } = parts.options;
    this.#operators = new Operators(parts.options);
    if (typeof rate !== 'number' || !(rate >= 1))
      throw createError('kernel/invalid-option', "admin(): 'rate' is a number of at least 1", {
        details: { option: 'rate' },
      });
    this.#parts = parts;
    const tenant = parts.tenants.get(parts.kernel.id);
    this.#timeout = (tenant?.parts.settings.limits ?? LIMITS).timeout;
    // From now on, a reader that comes back finds what it has missed.
    if (tenant !== undefined) feedOf(tenant, parts.kernel);
    this.#rate = new ClientRate(rate);
  }

  /** @throws Refusal, or the error of a step. */
  async answer(request: Request, url: URL, exchange: Exchange): Promise<Response> {
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const { operation, params } = operationOf(method, url.pathname);
    const client = this.#clientOf(request);
    if (client !== undefined) this.#rate.count(client);
    const id = request.headers.get('x-plinth-tenant') ?? url.searchParams.get('tenant');
    const values = valuesIn(operation, url.searchParams);
    const strict = values || operation.forAdmin?.(params) === true;
    const action: AdminAction = {
      name: values ? `${operation.name}.values` : operation.name,
      changes: operation.method !== 'GET' && operation.changes !== false,
      role: strict ? 'admin' : operation.role,
      tenant: id ?? this.#parts.kernel.id,
      ...(params.id !== undefined && { plugin: params.id }),
      ...(params.command !== undefined && { command: params.command }),
    };
    const operator = await this.#operator(request, url, operation, action);
    if (client === undefined) this.#rate.count(`operator ${operator.name}`);
    const found = this.#tenant(id);
    const asking = {
      ...found,
      request,
      exchange,
      operation,
      action,
      params,
      query: url.searchParams,
    };
    if (action.changes) return this.#change(asking, operator);
    const response = await this.#read(asking, operator);
    // Nothing reads the body of an answer to HEAD.
    if (request.method === 'HEAD') await response.body?.cancel();
    return response;
  }

  async #operator(
    request: Request,
    { searchParams }: URL,
    { path, method }: Operation,
    action: AdminAction,
  ): Promise<Operator> {
    const ticket = method === 'GET' && path === 'events' ? searchParams.get('ticket') : null;
    if (ticket === null)
      return decided(this.#operators.identify(request, action), 'authorize', this.#timeout);
    const found = this.#tickets.take(ticket);
    if (found === undefined || found.tenant !== action.tenant)
      throw refuse(401, 'call/unauthenticated', 'This ticket is unknown, used or too old.');
    if (action.role === 'admin' && !found.values)
      throw refuse(403, 'permission/denied', 'This ticket is for events without their values.');
    return found.operator;
  }

  /** The tenant that is asked for. @throws Refusal 404. */
  #tenant(id: string | null): { readonly kernel: AdminKernel; readonly tenant: TenantParts } {
    const { kernel: root, tenants } = this.#parts;
    const tenant = tenants.get(id ?? root.id);
    // Asking a kernel for a tenant makes it, so only those that are there are asked for.
    const other = tenant !== undefined && id !== null && id !== root.id;
    const kernel = other ? root.tenant?.(id) : root;
    if (tenant === undefined || kernel === undefined)
      throw refuse(404, 'http/tenant', 'There is no such tenant.');
    return { kernel, tenant };
  }

  async #read(asking: Asking, operator: Operator): Promise<Response> {
    const { operation, request, tenant } = asking;
    const { body } =
      operation.method === 'GET'
        ? { body: undefined }
        : await contentOf(request, operation, '', tenant.parts.settings.limits, undefined);
    try {
      const answer = await operation.act(this.#asked(asking, operator, body, undefined));
      return answer instanceof Response ? answer : jsonResponse(answer);
    } catch (error) {
      throw openly(error);
    }
  }

  /** Records who asks, makes the change, and records how it ended. */
  async #change(asking: Asking, operator: Operator): Promise<Response> {
    const { operation, action, kernel, params, request, exchange, tenant } = asking;
    const { limits } = tenant.parts.settings;
    const { options } = this.#parts;
    const find = options.package?.bind(options);
    const content = await contentOf(request, operation, params.id ?? '', limits, find);
    const { id: plugin, ...about } = params;
    const facts = {
      action: action.name,
      by: operator.name,
      requestId: exchange.requestId,
      ...about,
    };
    const record = (what: string, more = {}) =>
      kernel.audit.add(what, { ...facts, ...more }, plugin === undefined ? {} : { plugin });
    // Without an entry nothing is changed.
    await record('admin-asked');
    let answer: unknown;
    try {
      // A step takes as long as calls may take to end.
      connections.get(request)?.allow?.(MOST_DRAIN + LEEWAY);
      const found = await content.found();
      answer = await operation.act(this.#asked(asking, operator, content.body, found));
    } catch (error) {
      const shown = openly(error);
      await record('admin-failed', { code: problemOf(shown).code });
      throw shown;
    }
    await record('admin-done');
    if (answer instanceof Response) return answer;
    return answer === undefined ? new Response(null, { status: 204 }) : jsonResponse(answer);
  }

  #asked(asking: Asking, operator: Operator, body: unknown, found: Asked['found']): Asked {
    const { kernel: root, tenants, options } = this.#parts;
    const own = { root, tenants, manager: options.tenants, tickets: this.#tickets };
    return { ...asking, ...own, operator, body, found };
  }

  #clientOf(request: Request): string | undefined {
    const { client } = this.#parts.options;
    const name =
      client === undefined
        ? connections.get(request)?.address
        : client.call(this.#parts.options, request);
    return name?.slice(0, MOST_CLIENT);
  }
}

/** @throws PluginConfigurationError `kernel/invalid-option`. */
function checkAdmin({ kernel, options }: AdminParts): void {
  const wrong = (option: string, what: string) =>
    createError('kernel/invalid-option', `admin(): '${option}' is ${what}`, {
      details: { option },
    });
  if (typeof Object(kernel).plugins?.list !== 'function')
    throw wrong('kernel', 'the kernel that has the extension: admin(kernel, options)');
  checkOptionNames('admin()', options, OPTIONS);
  const { client, package: find, tenants } = options ?? {};
  for (const [option, value] of Object.entries({ client, package: find }))
    if (value !== undefined && typeof value !== 'function') throw wrong(option, 'a function');
  if (tenants !== undefined && typeof tenants?.create !== 'function')
    throw wrong('tenants', 'what kernel.extension(tenants).manage(kernel) answers');
}

const OPTIONS: readonly (keyof AdminOptions)[] = [
  'authorize',
  'client',
  'package',
  'rate',
  'tenants',
  'tokens',
];

/** Whether what plugins say to each other is asked for, too. */
const valuesIn = ({ query }: Operation, given: URLSearchParams): boolean =>
  query?.includes('values') === true && flagIn(given, 'values');
