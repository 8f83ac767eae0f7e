/** The second argument of a handler, built from what the kernel says of the call. Most fields are made when asked for. */
import { type Call, type Caller, DEFAULT_TIMEOUT } from '../contract/call-context.js';
import type { ErrorSchemas } from '../contract/contract.js';
import { createError, PluginDeclaredError } from '../contract/errors.js';
import type { CallMeta } from '../contract/protocol.js';
import type { Inbound } from '../rpc/link.js';

const HOST: Caller = Object.freeze({ kind: 'host', id: 'host' });

/** One call as its handler sees it. */
export class HandlerCall implements Call {
  readonly tenant: string;
  readonly #inbound: Inbound;
  readonly #meta: CallMeta | undefined;
  readonly #errors: ErrorSchemas | undefined;

  constructor(inbound: Inbound, meta: CallMeta | undefined, tenant: string, errors: ErrorSchemas | undefined) {
    this.#inbound = inbound;
    this.#meta = meta;
    this.tenant = tenant;
    this.#errors = errors;
  }

  /** The kernel's number for this call, by which calls made for it are tied to it. */
  get sequence(): number {
    return this.#inbound.sequence;
  }

  get requestId(): string {
    return this.#meta?.[0] ?? `host-${this.#inbound.sequence}`;
  }

  get caller(): Caller {
    if (this.#meta === undefined) return HOST;
    const [, kind, id, version] = this.#meta;
    return version === undefined ? { kind, id } : { kind, id, version };
  }

  get user(): string | undefined {
    return this.#meta?.[4];
  }

  get deadline(): number {
    return this.#inbound.received + (this.#meta?.[5] ?? DEFAULT_TIMEOUT);
  }

  get traceparent(): string | undefined {
    return this.#meta?.[6];
  }

  /** Wire id of the command or topic of the event; only middleware is told. */
  get subject(): string {
    return this.#meta?.[7] ?? '';
  }

  get signal(): AbortSignal {
    return this.#inbound.signal;
  }

  progress(value: unknown): void {
    this.#inbound.progress(value);
  }

  fail(code: string, data: unknown): never {
    const schema = this.#errors?.[code];
    if (schema === undefined) {
      const known = Object.keys(this.#errors ?? {});
      throw createError('call/undeclared-error', `'${code}' is not an error this command declares${known.length === 0 ? '' : `; it declares ${known.join(', ')}`}`);
    }
    throw new PluginDeclaredError(code, data);
  }
}
