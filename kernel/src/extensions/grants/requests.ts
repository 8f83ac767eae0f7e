/** Requests of plugins to the application for further rights, while they run or with an update. */
import {
  A_TIME,
  createError,
  isTime,
  messageOf,
  PERMISSION_NAMES,
  parseRight,
} from '@plinth/sdk/contract';
import type { EventBus } from '../../events/event-bus.js';
import type { KernelEvents, KernelTopic } from '../../kernel-events.js';
import type {
  Asking,
  Deciding,
  PermissionRequest,
  PermissionWish,
} from '../../permissions/asking.js';
import type { RefusedRight } from '../../permissions/grant-records.js';
import type { Grants } from '../../permissions/grants.js';
import { overlaps } from '../../permissions/written-right.js';
import { versionOf } from '../../plugin/record.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import type { Reporting } from '../../reporting.js';
import { put, Questions } from './questions.js';
import { isSame } from './refusals.js';

const MAX_WHY = 1_024;
/** Refused rights of one version of a plugin. Its further requests are answered no unasked. */
const MAX_REFUSED = 32;
/** Milliseconds until a right is asked about again when nothing was decided. */
const PAUSE = 60_000;

/** What requests need of the kernel. */
export interface PermissionRequestsParts {
  readonly deciding: Deciding;
  readonly grants: Grants;
  readonly registry: Pick<PluginRegistry, 'versions'>;
  readonly bus: EventBus;
  readonly reporting: Reporting;
}

/** Owns the requests that wait for the application. */
export class PermissionRequests implements Asking {
  readonly #parts: PermissionRequestsParts;
  readonly #questions: Questions;
  /** Answers to come, by plugin, version and right: those who ask for the same share one. */
  readonly #open = new Map<string, Promise<boolean>>();
  /** Aborts what is asked about updates and installations. */
  readonly #consents = new Set<AbortController>();
  #closed = false;

  constructor(parts: PermissionRequestsParts) {
    this.#parts = parts;
    this.#questions = new Questions(parts.deciding);
    this.#listen();
  }

  /** The bus ends with the tenant, and its listeners with it. */
  #listen(): void {
    const { bus, registry } = this.#parts;
    const on = <T extends KernelTopic>(topic: T, listener: (payload: KernelEvents[T]) => void) =>
      bus.on(topic, ({ event: { source, payload } }) => {
        if (source === 'kernel') listener(payload as KernelEvents[T]);
      });
    on('plugin:uninstalled', ({ id }) => {
      if (registry.versions(id).length > 0) return;
      this.#questions.withdraw(({ plugin }) => plugin === id);
    });
    // What an operator takes meanwhile is not given back by an answer to an earlier question.
    on('permission:revoked', ({ plugin, permission, scope }) =>
      this.#questions.withdraw((request) => {
        const [wanted] = request.plugin === plugin ? (request.permissions[permission] ?? []) : [];
        const right = wanted === undefined ? undefined : parseRight(permission, wanted);
        return right !== undefined && overlaps(permission, scope, right);
      }),
    );
  }

  /**
   * Asks whether an update with more rights, a package of another owner, or an installation by
   * another plugin is accepted.
   */
  async consent(question: Omit<PermissionRequest, 'reason'>): Promise<boolean> {
    const { handling } = this.#parts.deciding;
    if (handling === undefined || this.#closed) return false;
    const reason =
      question.owner !== undefined ? 'owner' : question.by !== undefined ? 'install' : 'update';
    const withdrawn = new AbortController();
    this.#consents.add(withdrawn);
    const outcome = await put(handling, { ...question, reason }, withdrawn);
    this.#consents.delete(withdrawn);
    // An operator waits for this one, and learns what the handler threw.
    if (outcome.kind === 'unanswered' && outcome.why instanceof Error) throw outcome.why;
    return outcome.kind === 'yes' && outcome.for === undefined;
  }

  /**
   * Requests a right. Resolves to whether the plugin has it now.
   *
   * @throws PluginValidationError `permission/invalid`, PluginOverloadedError `call/overloaded` for
   * a plugin that asks for too many at once.
   */
  async ask(wish: PermissionWish): Promise<boolean> {
    checkWish(wish);
    const { id, version } = wish.manifest;
    const key = [id, version, wish.permission, wish.scope].join('\0');
    const answer = this.#open.get(key) ?? this.#begin(wish).finally(() => this.#open.delete(key));
    this.#open.set(key, answer);
    return answer;
  }

  close(): void {
    this.#closed = true;
    this.#questions.withdraw();
    for (const withdrawn of [...this.#consents]) withdrawn.abort();
  }

  async #begin(wish: PermissionWish): Promise<boolean> {
    const { manifest, permission, scope } = wish;
    const granted = wish.has() || (this.#mayAsk(wish) && (await this.#ask(wish)));
    this.#parts.reporting.announce('permission:requested', {
      plugin: manifest.id,
      permission,
      scope,
      granted,
    });
    return granted;
  }

  /** Whether the application is asked, or the answer is no already. */
  #mayAsk(wish: PermissionWish): boolean {
    const { manifest, permission, scope } = wish;
    const { deciding, grants } = this.#parts;
    if (this.#closed || deciding.handling === undefined) return false;
    if (!grants.mayGet(manifest, permission, scope)) return false;
    const refused = grants
      .refused(manifest.id)
      .filter(({ version }) => version === manifest.version);
    return refused.length < MAX_REFUSED && !refused.some((one) => isSame(one, rightOf(wish)));
  }

  /** Asks the application, and grants what it allows. The plugin's call may be over by then. */
  async #ask(wish: PermissionWish): Promise<boolean> {
    const { manifest, permission, scope, for: time } = wish;
    const { id } = manifest;
    const outcome = await this.#questions.ask(requestOf(wish));
    try {
      // A decision is about the version that asked, not about what has its id now.
      if (outcome.kind === 'withdrawn' || this.#closed || !this.#isInstalled(wish)) return false;
      if (outcome.kind === 'no') await this.#refuse(wish, Number.POSITIVE_INFINITY);
      if (outcome.kind === 'unanswered') {
        await this.#refuse(wish, PAUSE);
        if (outcome.why !== undefined) throw outcome.why;
      }
      if (outcome.kind !== 'yes') return false;
      const limits = [time, outcome.for].filter((one) => one !== undefined);
      await this.#parts.grants.grant(manifest, permission, scope, {
        asked: true,
        ...(limits.length > 0 && { for: Math.min(...limits) }),
      });
      return true;
    } catch (error) {
      // When that fails, the answer is no.
      const message = `could not decide what ${id} asks for: ${messageOf(error)}`;
      this.#parts.reporting.log.write('kernel', 'error', message, {
        plugin: id,
        permission,
        scope,
      });
      return false;
    }
  }

  #refuse(wish: PermissionWish, time: number): Promise<void> {
    return this.#parts.grants.refuse(wish.manifest.id, rightOf(wish), time);
  }

  #isInstalled({ manifest: { id, version } }: PermissionWish): boolean {
    return this.#parts.registry.versions(id).some((record) => versionOf(record) === version);
  }
}

const rightOf = ({ manifest, permission, scope }: PermissionWish): RefusedRight => ({
  permission,
  scope,
  version: manifest.version,
});

const requestOf = ({
  manifest,
  permission,
  scope,
  why,
  for: time,
}: PermissionWish): PermissionRequest => ({
  plugin: manifest.id,
  version: manifest.version,
  reason: 'request',
  permissions: { [permission]: [scope] },
  ...(typeof why === 'string' && { why: why.slice(0, MAX_WHY) }),
  ...(time !== undefined && { for: time }),
});

/** @throws PluginPermissionError `permission/invalid` for what is no permission, scope or time. */
function checkWish({ manifest: { id }, permission, scope, for: time }: PermissionWish): void {
  const sound =
    PERMISSION_NAMES.includes(permission) &&
    typeof scope === 'string' &&
    scope.length <= MAX_WHY &&
    parseRight(permission, scope) !== undefined;
  if (!sound)
    throw createError('permission/invalid', `${id} asks for what is no permission or scope`, {
      plugin: id,
    });
  if (time !== undefined && !isTime(time))
    throw createError(
      'permission/invalid',
      `${id} asks for a permission: 'for' must be ${A_TIME}, not ${messageOf(time)}`,
      { plugin: id },
    );
}
