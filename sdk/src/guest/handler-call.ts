/** The second argument of a handler, built from what the kernel says of the call. Most fields are made when asked for. */
import { type Call, type Caller, DEFAULT_TIMEOUT } from '../contract/call-context.js';
import type { ErrorSchemas } from '../contract/contract.js';
import { createError, PluginDeclaredError } from '../contract/errors.js';
import { type CallMeta, highOf, nameIn, requestIdOf } from '../contract/protocol.js';
import type { Inbound } from '../rpc/inbound.js';

const HOST: Caller = Object.freeze({ kind: 'host', id: 'host' });

/** What every call of a guest has in common. */
export interface HandlerScope {
  readonly tenant: string;
  /** What request ids begin with. */
  readonly requests: string;
  /** The text behind a name of the kernel. */
  textOf(name: number): string | undefined;
}

/** One call as its handler sees it. */
export class HandlerCall implements Call {
  private readonly scope: HandlerScope;
  private readonly inbound: Inbound;
  private readonly meta: CallMeta;
  private readonly errors: ErrorSchemas | undefined;

  constructor(inbound: Inbound, meta: CallMeta, scope: HandlerScope, errors: ErrorSchemas | undefined) {
    this.inbound = inbound;
    this.meta = meta;
    this.scope = scope;
    this.errors = errors;
  }

  /** The kernel's number for this call, by which calls made for it are tied to it. */
  get sequence(): number {
    return this.inbound.sequence;
  }

  get tenant(): string {
    return this.scope.tenant;
  }

  get requestId(): string {
    return requestIdOf(this.scope.requests, typeof this.meta === 'number' ? highOf(this.meta) : this.meta[0]);
  }

  get caller(): Caller {
    const text = typeof this.meta === 'number' ? (this.scope.textOf(nameIn(this.meta)) ?? '') : this.meta[1];
    if (text === '') return HOST;
    const at = text.lastIndexOf('@');
    return { kind: 'plugin', id: text.slice(0, at), version: text.slice(at + 1) };
  }

  get user(): string | undefined {
    return typeof this.meta === 'number' ? undefined : this.meta[2];
  }

  get deadline(): number {
    return this.inbound.received + (typeof this.meta === 'number' ? DEFAULT_TIMEOUT : this.meta[3]);
  }

  get traceparent(): string | undefined {
    return typeof this.meta === 'number' ? undefined : this.meta[4];
  }

  /** Wire id of the command or topic of the event; only middleware is told. */
  get subject(): string {
    return typeof this.meta === 'number' ? '' : (this.meta[5] ?? '');
  }

  /** Number of the middleware step. */
  get step(): number {
    return typeof this.meta === 'number' ? 0 : (this.meta[6] ?? 0);
  }

  get signal(): AbortSignal {
    return this.inbound.signal;
  }

  progress(value: unknown): void {
    this.inbound.progress(value);
  }

  fail(code: string, data: unknown): never {
    const schema = this.errors?.[code];
    if (schema === undefined) {
      const known = Object.keys(this.errors ?? {});
      throw createError('call/undeclared-error', `'${code}' is not an error this command declares${known.length === 0 ? '' : `; it declares ${known.join(', ')}`}`);
    }
    throw new PluginDeclaredError(code, data);
  }
}
