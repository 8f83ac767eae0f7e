/**
 * Errors as data. Structured clone drops codes, subclasses and AggregateError members, and Comlink drops codes and
 * causes, so errors cross as plain records and are rebuilt by class name. What arrives is untrusted: sizes are cut,
 * classes come from a fixed list, and the plugin at fault is stamped by the receiver.
 */
import {
  createSharedError,
  ERROR_CLASSES,
  errorClassOf,
  type SharedErrorCode,
  type ErrorDetails,
  messageOf,
  PluginDeclaredError,
  PluginError,
  type PluginErrorClass,
} from './errors.js';

/** An error on the wire. */
export interface WireError {
  readonly class: string;
  readonly message: string;
  readonly name?: string;
  readonly code?: string | number;
  readonly plugin?: string;
  readonly details?: ErrorDetails;
  readonly retryable?: boolean;
  readonly stack?: string;
  readonly cause?: WireError;
  readonly errors?: readonly WireError[];
}

const MAX_DEPTH = 8;
const MAX_MEMBERS = 64;
const MAX_TEXT = 16_384;

const NATIVE = { Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError };

/**
 * Turns anything thrown into data.
 *
 * @param stack whether the stack may travel: true from a guest to the kernel, false towards a plugin, which must not
 * see foreign code.
 * @param encode puts `details` into a form that may be posted; a value that can't be is left out.
 */
export function errorToWire(thrown: unknown, stack: boolean, encode: (value: unknown) => unknown, depth = 0): WireError {
  try {
    return convert(thrown, stack, encode, depth);
  } catch {
    // A getter on the thrown value threw in turn.
    return { class: 'PluginError', code: 'call/failed', message: 'threw an error that cannot be read' };
  }
}

function convert(thrown: unknown, stack: boolean, encode: (value: unknown) => unknown, depth: number): WireError {
  if (!(thrown instanceof Error)) {
    const details = safely(encode, { thrown });
    return { class: 'PluginError', code: 'call/failed', message: `threw a value that is not an error: ${cut(messageOf(thrown))}`, ...(details && { details }) };
  }
  const known = thrown instanceof PluginError;
  const className = errorClassOf(thrown) ?? nativeNameOf(thrown);
  const code = (thrown as { code?: unknown }).code;
  const details = safely(encode, (thrown as { details?: unknown }).details);
  return {
    class: className,
    message: cut(String(thrown.message)),
    ...(thrown.name !== className && { name: cut(String(thrown.name)) }),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(known && thrown.plugin !== undefined && { plugin: thrown.plugin }),
    ...(known && { retryable: thrown.retryable }),
    ...(details !== undefined && { details }),
    ...(stack && typeof thrown.stack === 'string' && { stack: cut(thrown.stack) }),
    ...(thrown.cause !== undefined && depth < MAX_DEPTH && { cause: errorToWire(thrown.cause, stack, encode, depth + 1) }),
    ...(thrown instanceof AggregateError && depth < MAX_DEPTH && { errors: thrown.errors.slice(0, MAX_MEMBERS).map((member) => errorToWire(member, stack, encode, depth + 1)) }),
  };
}

function nativeNameOf(error: Error): string {
  if (error instanceof AggregateError) return 'AggregateError';
  for (const [name, Class] of Object.entries(NATIVE)) if (Class !== Error && error instanceof Class) return name;
  return 'Error';
}

function safely(encode: (value: unknown) => unknown, details: unknown): ErrorDetails | undefined {
  if (details === null || typeof details !== 'object' || Object.keys(details).length === 0) return undefined;
  try {
    return encode(details) as ErrorDetails;
  } catch {
    return undefined;
  }
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** How {@link errorFromWire} reads a foreign error. */
export interface FromWireOptions {
  /** Stamped on every PluginError in the chain, whatever the sender claims. Left out when the sender is trusted. */
  readonly plugin?: string | undefined;
  readonly decode: (value: unknown) => unknown;
}

/** Rebuilds an error from data; anything malformed becomes a `wire/refused` error instead of throwing. */
export function errorFromWire(wire: unknown, options: FromWireOptions, depth = 0): Error {
  try {
    return rebuild(wire as WireError, options, depth);
  } catch (cause) {
    return createSharedError('wire/refused', 'refused an error that is not well formed', { plugin: options.plugin, cause });
  }
}

function rebuild(wire: WireError, options: FromWireOptions, depth: number): Error {
  if (wire === null || typeof wire !== 'object' || typeof wire.class !== 'string' || typeof wire.message !== 'string') {
    throw new TypeError('not an error record');
  }
  if (depth > MAX_DEPTH) throw new RangeError('causes nested too deeply');
  const message = cut(wire.message);
  const cause = wire.cause === undefined ? undefined : rebuild(wire.cause, options, depth + 1);
  const error = instantiate(wire, message, cause, options, depth);
  if (typeof wire.stack === 'string') define(error, 'stack', cut(wire.stack));
  if (typeof wire.name === 'string') define(error, 'name', cut(wire.name));
  return error;
}

function instantiate(wire: WireError, message: string, cause: Error | undefined, options: FromWireOptions, depth: number): Error {
  const details = wire.details === undefined ? undefined : (options.decode(wire.details) as ErrorDetails);
  const code = typeof wire.code === 'string' || typeof wire.code === 'number' ? wire.code : undefined;
  if (Object.hasOwn(ERROR_CLASSES, wire.class)) {
    const plugin = options.plugin ?? (typeof wire.plugin === 'string' ? wire.plugin : undefined);
    const common = { plugin, details, retryable: wire.retryable === true, ...(cause !== undefined && { cause }) };
    if (wire.class === 'PluginDeclaredError') return new PluginDeclaredError(String(code), details?.data, { ...common, message });
    const Class = ERROR_CLASSES[wire.class as keyof typeof ERROR_CLASSES] as PluginErrorClass;
    return new Class(String(code ?? ('call/failed' satisfies SharedErrorCode)), message, common);
  }
  const withCause = cause === undefined ? undefined : { cause };
  const error =
    wire.class === 'AggregateError'
      ? new AggregateError(
          (wire.errors ?? []).slice(0, MAX_MEMBERS).map((member) => rebuild(member, options, depth + 1)),
          message,
          withCause,
        )
      : new (Object.hasOwn(NATIVE, wire.class) ? NATIVE[wire.class as keyof typeof NATIVE] : Error)(message, withCause);
  if (code !== undefined) define(error, 'code', code);
  if (details !== undefined) define(error, 'details', details);
  return error;
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true });
}
