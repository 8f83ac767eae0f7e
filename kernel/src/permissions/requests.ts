/** What plugins ask the application for: more than they have, while they run, or with an update. */
import { createError, type Manifest, messageOf, PERMISSION_NAMES, type PermissionName } from '@plinth/sdk/contract';
import type { KernelEvents } from '../events/kernel-events.js';
import type { Log } from '../telemetry/logger.js';
import type { Grants } from './grants.js';
import type { Growth } from './growth.js';

/** What a plugin asks the embedder for. */
export interface PermissionRequest {
  readonly plugin: string;
  readonly version: string;
  /** Why it asks: an update asks for more than the version before, or the plugin does while it runs. */
  readonly reason: 'update' | 'request';
  /** Permissions with the scopes that are new. */
  readonly permissions: Growth;
  /** What the plugin itself says it is for. A stranger's words: show them as such. */
  readonly why?: string;
  /** For how many milliseconds it asks; for good when absent. */
  readonly for?: number;
}

/** Decides a request: whether, or for how many milliseconds at most. */
export type PermissionHandler = (request: PermissionRequest) => PermissionAnswer | Promise<PermissionAnswer>;
/** Yes, no, or for so many milliseconds. */
export type PermissionAnswer = boolean | { readonly for: number };

/** One right that a running plugin would like to have. */
export interface PermissionWish {
  readonly manifest: Manifest;
  readonly permission: PermissionName;
  readonly scope: string;
  readonly why: string | undefined;
  readonly for: number | undefined;
  /** Whether it has it already. */
  has(): boolean;
}

/** Requests of one plugin that may wait for their answers. */
const MAX_PENDING = 8;
const MAX_WHY = 1_024;

/** Owns the one handler of a tenant, and the requests that wait for it. */
export class PermissionRequests {
  readonly #grants: Grants;
  readonly #log: Log;
  readonly #pending = new Map<string, number>();
  handler: PermissionHandler | undefined;

  readonly #announce: <T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]) => void;

  constructor(grants: Grants, log: Log, announce: <T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]) => void) {
    this.#grants = grants;
    this.#log = log;
    this.#announce = announce;
  }

  /** Whether an update that may do more is welcome. */
  async consent(question: Omit<PermissionRequest, 'reason'>): Promise<boolean> {
    return (await this.handler?.({ ...question, reason: 'update' })) === true;
  }

  /**
   * Asks for a right; answers whether the plugin has it now.
   *
   * @throws PluginValidationError `permission/invalid`, PluginOverloadedError `call/overloaded` for one that asks too often.
   */
  async ask(wish: PermissionWish): Promise<boolean> {
    const granted = await this.#decide(wish);
    const { manifest, permission, scope } = wish;
    this.#announce('permission:requested', { plugin: manifest.id, permission, scope, granted });
    return granted;
  }

  async #decide({ manifest, permission, scope, why, for: time, has }: PermissionWish): Promise<boolean> {
    const { id, version } = manifest;
    const sound = PERMISSION_NAMES.includes(permission) && typeof scope === 'string' && scope !== '' && scope.length <= MAX_WHY;
    if (!sound || (time !== undefined && !(typeof time === 'number' && time > 0)))
      throw createError('permission/invalid', `${id} asks for what is no permission, scope or time`, { plugin: id });
    if (has()) return true;
    if (this.handler === undefined || !this.#grants.mayGet(manifest, permission, scope)) return false;
    const pending = this.#pending.get(id) ?? 0;
    if (pending >= MAX_PENDING) throw createError('call/overloaded', `${id} waits for ${MAX_PENDING} permissions already`, { plugin: id });
    this.#pending.set(id, pending + 1);
    try {
      const request: PermissionRequest = {
        plugin: id,
        version,
        reason: 'request',
        permissions: { [permission]: [scope] },
        ...(typeof why === 'string' && { why: why.slice(0, MAX_WHY) }),
        ...(time !== undefined && { for: time }),
      };
      const answer = await this.handler(request);
      const lent = answer !== null && typeof answer === 'object' && typeof answer.for === 'number' ? answer.for : undefined;
      // Anything but a plain yes or a time is a no.
      if (answer !== true && lent === undefined) return false;
      const limits = [time, lent].filter((one) => one !== undefined);
      await this.#grants.grant(manifest, permission, scope, limits.length === 0 ? {} : { for: Math.min(...limits) });
      return true;
    } catch (error) {
      // Whatever is wrong with the handler, the answer is no.
      this.#log.write('kernel', 'error', `could not decide what ${id} asks for: ${messageOf(error)}`, { plugin: id, permission, scope });
      return false;
    } finally {
      const left = (this.#pending.get(id) ?? 1) - 1;
      if (left === 0) this.#pending.delete(id);
      else this.#pending.set(id, left);
    }
  }
}
