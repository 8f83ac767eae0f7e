/** Requests of plugins to the application for further rights, while they run or with an update. */
import { A_TIME, createError, isTime, messageOf, PERMISSION_NAMES } from '@plinth/sdk/contract';
import type {
  Asking,
  Deciding,
  PermissionHandler,
  PermissionRequest,
  PermissionWish,
} from '../../permissions/asking.js';
import type { Grants } from '../../permissions/grants.js';
import type { Reporting } from '../../reporting.js';

/** The most pending requests of one plugin. */
const MAX_PENDING = 8;
const MAX_WHY = 1_024;

/** Owns the requests that wait for the application. */
export class PermissionRequests implements Asking {
  readonly #deciding: Deciding;
  readonly #grants: Grants;
  readonly #reporting: Reporting;
  readonly #pending = new Map<string, number>();

  constructor(deciding: Deciding, grants: Grants, reporting: Reporting) {
    this.#deciding = deciding;
    this.#grants = grants;
    this.#reporting = reporting;
  }

  /**
   * Asks whether an update with more rights, a package of another owner, or an installation by
   * another plugin is accepted.
   */
  async consent(question: Omit<PermissionRequest, 'reason'>): Promise<boolean> {
    const reason =
      question.owner !== undefined ? 'owner' : question.by !== undefined ? 'install' : 'update';
    return (await this.#deciding.handler?.({ ...question, reason })) === true;
  }

  /**
   * Requests a right. Resolves to whether the plugin has it now.
   *
   * @throws PluginValidationError `permission/invalid`, PluginOverloadedError `call/overloaded` for
   * a plugin that asks too often.
   */
  async ask(wish: PermissionWish): Promise<boolean> {
    const granted = await this.#decide(wish);
    const { manifest, permission, scope } = wish;
    this.#reporting.announce('permission:requested', {
      plugin: manifest.id,
      permission,
      scope,
      granted,
    });
    return granted;
  }

  async #decide(wish: PermissionWish): Promise<boolean> {
    checkWish(wish);
    if (wish.has()) return true;
    const { manifest, permission, scope } = wish;
    const { id } = manifest;
    const { handler } = this.#deciding;
    if (handler === undefined || !this.#grants.mayGet(manifest, permission, scope)) return false;
    const pending = this.#pending.get(id) ?? 0;
    if (pending >= MAX_PENDING)
      throw createError('call/overloaded', `${id} waits for ${MAX_PENDING} permissions already`, {
        plugin: id,
      });
    this.#pending.set(id, pending + 1);
    try {
      return await this.#ask(handler, wish);
    } catch (error) {
      // When the handler fails, the answer is no.
      this.#reporting.log.write(
        'kernel',
        'error',
        `could not decide what ${id} asks for: ${messageOf(error)}`,
        { plugin: id, permission, scope },
      );
      return false;
    } finally {
      const left = (this.#pending.get(id) ?? 1) - 1;
      if (left === 0) this.#pending.delete(id);
      else this.#pending.set(id, left);
    }
  }

  /** Asks the application, and grants what it allows. */
  async #ask(
    handler: PermissionHandler,
    { manifest, permission, scope, why, for: time }: PermissionWish,
  ): Promise<boolean> {
    const request: PermissionRequest = {
      plugin: manifest.id,
      version: manifest.version,
      reason: 'request',
      permissions: { [permission]: [scope] },
      ...(typeof why === 'string' && { why: why.slice(0, MAX_WHY) }),
      ...(time !== undefined && { for: time }),
    };
    const answer = await handler(request);
    const lent =
      answer !== null && typeof answer === 'object' && typeof answer.for === 'number'
        ? answer.for
        : undefined;
    // Anything but `true` or a duration counts as no.
    if (answer !== true && lent === undefined) return false;
    const limits = [time, lent].filter((one) => one !== undefined);
    await this.#grants.grant(manifest, permission, scope, {
      asked: true,
      ...(limits.length > 0 && { for: Math.min(...limits) }),
    });
    return true;
  }
}

/** @throws PluginPermissionError `permission/invalid` for what is no permission, scope or time. */
function checkWish({ manifest: { id }, permission, scope, for: time }: PermissionWish): void {
  const sound =
    PERMISSION_NAMES.includes(permission) &&
    typeof scope === 'string' &&
    scope !== '' &&
    scope.length <= MAX_WHY;
  if (!sound)
    throw createError('permission/invalid', `${id} asks for what is no permission or scope`, {
      plugin: id,
    });
  if (time !== undefined && !isTime(time))
    throw createError(
      'permission/invalid',
      `${id} asks for a permission: 'for' must be ${A_TIME}, not ${String(time)}`,
      { plugin: id },
    );
}
