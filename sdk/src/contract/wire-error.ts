/**
 * Errors as data. Structured clone drops codes, subclasses and AggregateError members, and Comlink
 * drops codes and causes. So errors cross as plain records and are rebuilt by class name. Incoming
 * records are untrusted: sizes are cut, classes come from a fixed list, and the receiver sets the
 * plugin at fault.
 */
import {
  createSharedError,
  ERROR_CLASSES,
  type ErrorDetails,
  errorClassOf,
  messageOf,
  PluginDeclaredError,
  PluginError,
  type PluginErrorClass,
  type SharedErrorCode,
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
 * Turns any thrown value into data.
 *
 * @param stack whether the stack is included: true from a guest to the kernel, false towards a
 * plugin, which must not see foreign code.
 * @param encode converts `details` to a form that can be posted; a value that can't be is left out.
 */
export function errorToWire(
  thrown: unknown,
  stack: boolean,
  encode: (value: unknown) => unknown,
  depth = 0,
): WireError {
  try {
    return convert(thrown, stack, encode, depth);
  } catch {
    // A getter of the thrown value threw in turn.
    return {
      class: 'PluginError',
      code: 'call/failed',
      message: 'threw an error that cannot be read',
    };
  }
}

function convert(
  thrown: unknown,
  stack: boolean,
  encode: (value: unknown) => unknown,
  depth: number,
): WireError {
  if (!(thrown instanceof Error)) {
    const details = safely(encode, { thrown });
    return {
      class: 'PluginError',
      code: 'call/failed',
      message: `threw a value that is not an error: ${cut(messageOf(thrown))}`,
      ...(details && { details }),
    };
  }
  const known = thrown instanceof PluginError;
  const className = errorClassOf(thrown) ?? nativeNameOf(thrown);
  const code = (thrown as { code?: unknown }).code;
  const details = safely(encode, (thrown as { details?: unknown }).details);
  return {
    class: className,
    message: cut(withoutBundle(String(thrown.message))),
    ...(thrown.name !== className && { name: cut(String(thrown.name)) }),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(typeof (thrown as { plugin?: unknown }).plugin === 'string' && {
      plugin: (thrown as unknown as { plugin: string }).plugin,
    }),
    ...(known && { retryable: thrown.retryable }),
    ...(details !== undefined && { details }),
    ...(stack && typeof thrown.stack === 'string' && { stack: cut(withoutBundle(thrown.stack)) }),
    ...(thrown.cause !== undefined &&
      depth < MAX_DEPTH && { cause: errorToWire(thrown.cause, stack, encode, depth + 1) }),
    ...(thrown instanceof AggregateError &&
      depth < MAX_DEPTH && {
        errors: thrown.errors
          .slice(0, MAX_MEMBERS)
          .map((member) => errorToWire(member, stack, encode, depth + 1)),
      }),
  };
}

function nativeNameOf(error: Error): string {
  if (error instanceof AggregateError) return 'AggregateError';
  for (const [name, Class] of Object.entries(NATIVE))
    if (Class !== Error && error instanceof Class) return name;
  return 'Error';
}

function safely(encode: (value: unknown) => unknown, details: unknown): ErrorDetails | undefined {
  if (details === null || typeof details !== 'object' || Object.keys(details).length === 0)
    return undefined;
  try {
    return encode(details) as ErrorDetails;
  } catch {
    return undefined;
  }
}

/** How the URL of a bundle starts and ends, see `guest/import-module.ts`. */
const [BUNDLE, BUNDLE_END] = ['data:text/javascript', '%2F%2F.js'];

/** The replacement text; the kernel knows which plugin it stands for. */
const BUNDLE_NAME = 'plinth:bundle/plugin.js?0';

/**
 * A text without the URLs of bundles. Such a URL is the whole bundle, and engines quote it in
 * messages and stacks.
 */
export function withoutBundle(text: string): string {
  let at = text.indexOf(BUNDLE);
  if (at === -1) return text;
  let clean = '';
  let from = 0;
  for (; at !== -1; at = text.indexOf(BUNDLE, from)) {
    const found = text.slice(at).search(/[\s"]/);
    const url = text.slice(at, found === -1 ? text.length : at + found);
    const end = url.lastIndexOf(BUNDLE_END);
    clean += text.slice(from, at) + BUNDLE_NAME;
    from = at + (end === -1 ? url.length : end + BUNDLE_END.length);
  }
  return clean + text.slice(from);
}

/** The stack of an error and its causes, for logs; undefined when there is none. Never throws. */
export function stackOf(thrown: unknown): string | undefined {
  const stacks: string[] = [];
  try {
    let error = thrown;
    for (let depth = 0; error instanceof Error && depth < MAX_DEPTH; depth++, error = error.cause) {
      if (typeof error.stack !== 'string') continue;
      // Some engines omit the name and message from the stack.
      const what = error.stack.includes(error.message) ? '' : `${error.name}: ${error.message}\n`;
      stacks.push(withoutBundle(what + error.stack));
    }
  } catch {
    // A getter threw: what was read before is returned.
  }
  return stacks.length === 0 ? undefined : cut(stacks.join('\ncaused by: '));
}

/**
 * A text cut to a length, with a mark if something was cut. The result doesn't keep the longer text
 * alive, as a substring would.
 */
export function cutText(text: string, most: number): string {
  return text.length > most ? [...text.slice(0, most).split(''), '…'].join('') : text;
}

function cut(text: string): string {
  return cutText(text, MAX_TEXT);
}

/** Options of {@link errorFromWire}. */
export interface FromWireOptions {
  /**
   * Set on every PluginError in the chain, regardless of what the sender claims. Absent when the
   * sender is trusted.
   */
  readonly plugin?: string | undefined;
  readonly decode: (value: unknown) => unknown;
}

/**
 * Rebuilds an error from data. Malformed data becomes a `wire/refused` error instead of throwing.
 */
export function errorFromWire(wire: unknown, options: FromWireOptions, depth = 0): Error {
  try {
    return rebuild(wire as WireError, options, depth);
  } catch (cause) {
    return createSharedError('wire/refused', 'refused an error that is not well formed', {
      plugin: options.plugin,
      cause,
    });
  }
}

function rebuild(wire: WireError, options: FromWireOptions, depth: number): Error {
  if (
    wire === null ||
    typeof wire !== 'object' ||
    typeof wire.class !== 'string' ||
    typeof wire.message !== 'string'
  ) {
    throw new TypeError('not an error record');
  }
  if (depth > MAX_DEPTH) throw new RangeError('causes nested too deeply');
  const message = cut(wire.message);
  const cause = wire.cause === undefined ? undefined : rebuild(wire.cause, options, depth + 1);
  const error = instantiate(wire, message, cause, options, depth);
  if (typeof wire.name === 'string') define(error, 'name', cut(wire.name));
  // The stack of the rebuilding code is meaningless.
  define(
    error,
    'stack',
    typeof wire.stack === 'string' ? cut(wire.stack) : `${error.name}: ${message}`,
  );
  return error;
}

function instantiate(
  wire: WireError,
  message: string,
  cause: Error | undefined,
  options: FromWireOptions,
  depth: number,
): Error {
  const details =
    wire.details === undefined ? undefined : (options.decode(wire.details) as ErrorDetails);
  const code =
    typeof wire.code === 'string' || typeof wire.code === 'number' ? wire.code : undefined;
  if (Object.hasOwn(ERROR_CLASSES, wire.class)) {
    const plugin = options.plugin ?? (typeof wire.plugin === 'string' ? wire.plugin : undefined);
    const common = {
      plugin,
      details,
      retryable: wire.retryable === true,
      ...(cause !== undefined && { cause }),
    };
    if (wire.class === 'PluginDeclaredError')
      return new PluginDeclaredError(String(code), details?.data, { ...common, message });
    const Class = ERROR_CLASSES[wire.class as keyof typeof ERROR_CLASSES] as PluginErrorClass;
    return new Class(String(code ?? ('call/failed' satisfies SharedErrorCode)), message, common);
  }
  const withCause = cause === undefined ? undefined : { cause };
  const error =
    wire.class === 'AggregateError'
      ? new AggregateError(
          (wire.errors ?? [])
            .slice(0, MAX_MEMBERS)
            .map((member) => rebuild(member, options, depth + 1)),
          message,
          withCause,
        )
      : new (Object.hasOwn(NATIVE, wire.class) ? NATIVE[wire.class as keyof typeof NATIVE] : Error)(
          message,
          withCause,
        );
  if (code !== undefined) define(error, 'code', code);
  if (details !== undefined) define(error, 'details', details);
  return error;
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, {
    value,
    enumerable: false,
    configurable: true,
    writable: true,
  });
}
