/** The admin API at `/api/v1`. Every request is authorized, and every change is in the audit log. */
import type { PluginPackage, PluginSource } from '@plinth/kernel';
import { createError } from '@plinth/sdk/contract';
import { type AdminKernel, CHANGES, type Change, READINGS } from './admin-actions.js';
import { type Exchange, jsonResponse } from './exchange.js';
import { readJson } from './incoming.js';
import type { HttpLimits } from './options.js';
import { openly, problemOf, refuse } from './problem.js';

/** What a request of the admin API is about to do. */
export interface AdminAction {
  /** `plugins.list`, `plugins.disable`, `audit.export` … */
  readonly name: string;
  readonly changes: boolean;
  readonly plugin?: string;
}

/** Options of the admin API. */
export interface AdminOptions {
  /**
   * Who may do this: the operator's name, which the audit log keeps, or undefined for a request that
   * may not.
   */
  authorize(
    request: Request,
    action: AdminAction,
  ): string | undefined | Promise<string | undefined>;
  /**
   * The package that an installation or an update names in its body. Undefined: there is none.
   * Absent: nothing is installed or updated.
   */
  package?(
    id: string,
    body: unknown,
  ): PluginPackage | PluginSource | undefined | Promise<PluginPackage | PluginSource | undefined>;
}

const ID = /^[a-z][a-z0-9.-]{0,127}$/;
const PREFIX = '/api/v1/';

/** Answers the requests of a tenant's admin API. */
export class Admin {
  readonly #kernel: AdminKernel;
  readonly #options: AdminOptions;
  readonly #limits: Required<HttpLimits>;

  /** @throws PluginConfigurationError `kernel/invalid-option`. */
  constructor(kernel: AdminKernel, options: AdminOptions, limits: Required<HttpLimits>) {
    if (typeof options?.authorize !== 'function')
      throw createError(
        'kernel/invalid-option',
        'admin(): give `authorize(request, action)`, which answers the name of the operator',
        { details: { option: 'authorize' } },
      );
    this.#kernel = kernel;
    this.#options = options;
    this.#limits = limits;
  }

  /** @throws Refusal, or the error of a step. */
  async answer(request: Request, url: URL, { requestId }: Exchange): Promise<Response> {
    const path = url.pathname.slice(PREFIX.length).split('/');
    const [area, id, detail = ''] = path;
    if (path.length > 3 || (id !== undefined && !ID.test(id))) throw unknown();
    if (request.method === 'GET' || request.method === 'HEAD')
      return this.#read(request, url, path);
    const key = `${request.method} ${detail}`;
    const found = Object.hasOwn(CHANGES, key) ? CHANGES[key] : undefined;
    if (area !== 'plugins' || id === undefined || found === undefined)
      throw refuse(405, 'http/method', 'This method is not answered here.', { allow: 'GET' });
    const [name, change] = found;
    const by = await this.#operator(request, { name, changes: true, plugin: id });
    const facts = { action: name, by: by.slice(0, MOST_NAME), requestId };
    return this.#change(request, url, { change, id, facts });
  }

  async #read(request: Request, url: URL, path: readonly string[]): Promise<Response> {
    const [area = '', id, detail = id === undefined ? '' : 'status'] = path;
    const name = id === undefined ? area : `plugins.${detail}`;
    const reading = Object.hasOwn(READINGS, name) ? READINGS[name] : undefined;
    if (reading === undefined || (id !== undefined && area !== 'plugins')) throw unknown();
    await this.#operator(request, {
      name,
      changes: false,
      ...(id !== undefined && { plugin: id }),
    });
    try {
      return await reading(this.#kernel, id ?? '', url.searchParams);
    } catch (error) {
      throw openly(error);
    }
  }

  /** Records who asks, makes the change, and records how it ended. */
  async #change(
    request: Request,
    url: URL,
    { change, id, facts }: { change: Change; id: string; facts: Readonly<Record<string, string>> },
  ): Promise<Response> {
    const body = await readJson(request, this.#limits);
    const { audit } = this.#kernel;
    // Without an entry nothing is changed.
    await audit.add('admin-asked', facts, { plugin: id });
    let answer: unknown;
    try {
      const found = change.package === true ? await this.#options.package?.(id, body) : undefined;
      if (change.package === true && found === undefined)
        throw refuse(422, 'plugin/not-found', 'There is no package to install.');
      answer = await change.act({
        kernel: this.#kernel,
        id,
        body,
        query: url.searchParams,
        found,
      });
    } catch (error) {
      const shown = openly(error);
      const { code } = problemOf(shown);
      await audit.add('admin-failed', { ...facts, code }, { plugin: id });
      throw shown;
    }
    await audit.add('admin-done', facts, { plugin: id });
    return answer === undefined ? new Response(null, { status: 204 }) : jsonResponse(answer);
  }

  /** The operator's name. @throws Refusal 403. */
  async #operator(request: Request, action: AdminAction): Promise<string> {
    const by = await this.#options.authorize(request, action);
    if (typeof by !== 'string' || by === '')
      throw refuse(403, 'permission/denied', 'This is for operators.');
    return by;
  }
}

/** Characters of an operator's name in the audit log. */
const MOST_NAME = 256;

const unknown = () => refuse(404, 'http/not-found', 'There is nothing at this address.');
