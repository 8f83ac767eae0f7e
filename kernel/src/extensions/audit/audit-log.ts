/**
 * The audit log: decisions about plugins, their attempts, and the application's entries. It is
 * append-only, in order of time, bounded, and kept in the storage. In a chain each entry is bound
 * by hash to the one before. Operators' decisions and the application's entries have a chain each.
 * Each plugin has chains of its own, so it can only push out its own entries. A change breaks its
 * chain. Only the ends need a witness elsewhere ({@link AuditHead}).
 */
import { checkOptionNames, createError, ERROR_CODES, messageOf } from '@plinth/sdk/contract';
import type { EventBus } from '../../events/event-bus.js';
import { checkKind } from '../../extension/check-arguments.js';
import type { MakePart } from '../../extension/core.js';
import type { StorageAdapter } from '../../host.js';
import type { KernelEvents, KernelTopic } from '../../kernel-events.js';
import type { Log } from '../../telemetry/logger.js';
import type { Redaction } from '../../telemetry/redaction.js';
import type {
  AuditEntry,
  AuditFilter,
  AuditHead,
  AuditRange,
  AuditVerdict,
  HostAudit,
} from './audit-entry.js';
import { type AuditOptions, type Retention, retentionOf } from './audit-options.js';
import { type ChainKind, chainName, type Draft, isEqual, textOf } from './chain.js';
import { Chains } from './chains.js';
import { exportLines } from './export.js';
import { Paces, TELL_EACH } from './paces.js';

/** What the audit needs of the kernel. */
export interface AuditParts {
  readonly bus: EventBus;
  readonly storage: StorageAdapter;
  readonly tenant: string;
  readonly log: Log;
  readonly redaction: Redaction;
  readonly retention: Retention;
}

/** The logged topics by chain. What a plugin can cause at will has its own chain. */
const TOPICS: readonly (readonly [ChainKind, KernelTopic])[] = [
  ['decisions', 'plugin:installed'],
  ['decisions', 'plugin:uninstalled'],
  ['decisions', 'plugin:enabled'],
  ['decisions', 'plugin:disabled'],
  ['decisions', 'plugin:transferred'],
  ['decisions', 'plugin:updated'],
  ['decisions', 'plugin:rolled-back'],
  ['decisions', 'plugin:canary-started'],
  ['decisions', 'plugin:canary-promoted'],
  ['decisions', 'plugin:canary-rolled-back'],
  ['decisions', 'permission:granted'],
  ['decisions', 'permission:revoked'],
  ['decisions', 'permission:forgotten'],
  ['verdicts', 'plugin:failed'],
  ['verdicts', 'plugin:crashed'],
  ['verdicts', 'plugin:quarantined'],
  ['verdicts', 'signature:checked'],
  ['verdicts', 'resource:limited'],
  ['tries', 'permission:used'],
  ['tries', 'permission:denied'],
  ['tries', 'permission:requested'],
  ['tries', 'wire:refused'],
  ['tries', 'plugin:managed'],
];

/** Milliseconds after which entries are written. */
const WINDOW = 100;
const MAX_FACTS = 4_096;
const MAX_PLUGIN = 256;

/**
 * Makes the log of each tenant.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function auditOf(options: AuditOptions | true): MakePart<AuditLog> {
  const retention = retentionOf(options);
  return ({ bus, storage, tenant, redaction, reporting: { log } }) =>
    new AuditLog({ bus, storage, tenant, redaction, log, retention });
}

/** Owns the chains of one tenant. */
export class AuditLog implements HostAudit {
  readonly #parts: AuditParts;
  readonly #listeners: { dispose(): void }[] = [];
  readonly #chains: Chains;
  readonly #paces = new Paces();
  /** Events that are not in a chain yet, in order. */
  #drafts: Draft[] = [];
  #timer: number | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(parts: AuditParts) {
    this.#parts = parts;
    this.#chains = new Chains(parts);
    for (const [kind, topic] of TOPICS)
      this.#listeners.push(
        // Ignores look-alike events that the kernel did not emit.
        parts.bus.on(topic, ({ event }) =>
          event.source === 'kernel'
            ? this.#take(kind, topic, event.payload as KernelEvents[KernelTopic])
            : undefined,
        ),
      );
  }

  async entries(filter: AuditFilter = {}): Promise<readonly AuditEntry[]> {
    checkOptionNames('audit.entries()', filter, ['plugin', 'topic']);
    const { plugin, topic } = filter;
    for (const [name, value] of Object.entries({ plugin, topic }))
      checkKind('audit.entries()', `'${name}'`, value, 'string?');
    return this.#inTurn(async () => {
      const all: (readonly [time: number, entry: AuditEntry])[] = [];
      for (const name of await this.#chains.names()) {
        // Clocks are set back, and kernels over one storage count by themselves: a chain keeps its
        // order, and times put chains in order.
        let latest = 0;
        for (const segment of await this.#chains.stored(name))
          for (const entry of segment?.entries ?? []) {
            latest = Math.max(latest, entry.time);
            all.push([latest, entry]);
          }
      }
      return all
        .sort(([one, { number }], [other, next]) => one - other || number - next.number)
        .map(([, entry]) => entry)
        .filter(
          (entry) =>
            (plugin === undefined || entry.plugin === plugin) &&
            (topic === undefined || entry.topic === topic),
        );
    });
  }

  verify(pinned?: AuditHead | { readonly head?: AuditHead }): Promise<AuditVerdict> {
    // Anything else is taken for a head, and refused: a check without its pin would find no cut.
    const isOption =
      Object.prototype.toString.call(pinned) === '[object Object]' &&
      Object.keys(pinned as object).every((name) => name === 'head');
    const head = isOption ? (pinned as { readonly head?: AuditHead }).head : pinned;
    return this.#inTurn(() => this.#chains.verify(head as AuditHead | undefined));
  }

  export(range: AuditRange = {}): AsyncIterable<string> {
    return exportLines(
      {
        tenant: this.#parts.tenant,
        redaction: this.#parts.redaction,
        names: () => this.#inTurn(() => this.#chains.names()),
        stored: (name) => this.#inTurn(() => this.#chains.stored(name)),
      },
      range,
    );
  }

  head(): Promise<AuditHead> {
    return this.#inTurn(() => this.#chains.head());
  }

  async add(
    what: string,
    facts: Readonly<Record<string, unknown>> = {},
    options: { readonly plugin?: string } = {},
  ): Promise<void> {
    const plugin = (options as { readonly plugin?: unknown } | null)?.plugin;
    const name = String(what).slice(0, 80);
    if (typeof what !== 'string' || !WORD.test(what))
      throw createError(
        'value/invalid',
        `'${name}' is no name of an entry: letters, digits, '.', '_' and '-', at most 128`,
        { details: { what: name } },
      );
    if (this.#closed) throw createError('kernel/stopped', 'the kernel has stopped: make a new one');
    if (plugin !== undefined && (typeof plugin !== 'string' || plugin.length > MAX_PLUGIN))
      throw createError(
        'value/invalid',
        `the plugin of '${what}' must be an id of at most ${MAX_PLUGIN} characters`,
        { details: { what } },
      );
    const text = textOf(facts);
    if (text === undefined || text.length > MAX_FACTS)
      throw createError(
        'value/invalid',
        `the facts of '${what}' must be an object of JSON of at most ${MAX_FACTS} characters`,
        { details: { what } },
      );
    this.#put({
      chain: 'host',
      time: Date.now(),
      topic: `host:${what}`,
      plugin,
      facts: this.#parts.redaction.value(JSON.parse(text) as Record<string, unknown>),
      count: 1,
    });
    await this.#write(true);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const one of this.#listeners.splice(0)) one.dispose();
    await this.#write(true).catch(() => {});
    clearTimeout(this.#timer);
  }

  #take(kind: ChainKind, topic: KernelTopic, payload: unknown): void {
    const {
      id,
      plugin = id,
      asked,
      ...rest
    } = payload as {
      readonly id?: string;
      readonly plugin?: string;
      readonly asked?: boolean;
      readonly by?: string;
    };
    const text = textOf(rest) ?? '{}';
    const facts =
      text.length <= MAX_FACTS
        ? (JSON.parse(text) as Record<string, unknown>)
        : { cut: text.slice(0, MAX_FACTS) };
    // Grants on request have their own chain, because a plugin may ask as often as it likes. Its
    // decisions about other plugins go into the deciding plugin's chain for the same reason.
    const own = asked === true ? 'consents' : rest.by === undefined ? kind : 'tries';
    this.#put({
      chain: own === 'decisions' ? own : chainName(own, rest.by ?? plugin),
      time: Date.now(),
      topic,
      plugin,
      facts,
      count: 1,
    });
  }

  #put(draft: Draft): void {
    const before = this.#drafts.at(-1);
    if (before !== undefined && before.chain !== 'host' && isEqual(before, draft))
      before.count += 1;
    else if (this.#paces.mayList(draft.chain, this.#drafts.length)) this.#drafts.push(draft);
    this.#timer ??= setTimeout(() => void this.#write(false).catch(() => {}), WINDOW);
  }

  /** Appends waiting events. Writes run one after the other. */
  #write(all: boolean): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { drafts, more } = this.#paces.takeUnlisted(all);
    this.#drafts.push(...drafts);
    if (more && !this.#closed)
      this.#timer = setTimeout(() => void this.#write(false).catch(() => {}), TELL_EACH);
    const run = this.#turn.then(() => this.#append());
    this.#turn = run.catch(() => {});
    return run;
  }

  /** Runs `work` between two writes, after everything that has happened until now is written. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#write(true).then(() => work());
    this.#turn = run.catch(() => {});
    return run;
  }

  /** @throws PluginError `storage/failed`. What could not be kept is retried with the next entry. */
  async #append(): Promise<void> {
    const drafts = this.#drafts;
    this.#drafts = [];
    try {
      await this.#chains.append(drafts);
    } catch (cause) {
      this.#drafts.unshift(...drafts);
      this.#parts.log.write(
        'kernel',
        'error',
        `the audit log could not be written, it is tried again with the next entry: ${messageOf(cause)}`,
      );
      if (Object.hasOwn(ERROR_CODES, String((cause as { code?: unknown } | null)?.code)))
        throw cause;
      throw createError(
        'storage/failed',
        `the audit log could not be written: ${messageOf(cause)}`,
        { cause },
      );
    }
  }
}

const WORD = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;
