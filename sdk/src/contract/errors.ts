/**
 * The error taxonomy. The code (`area/what`) is the contract; the class is for `instanceof`. One
 * table maps each code to one class, so that an error can be rebuilt exactly on the other side of a
 * wire.
 */

/** Facts about an error beside its message. Only values that can cross the wire. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** Options of a new error. */
export interface ErrorOptions {
  /** Id of the plugin at fault. */
  readonly plugin?: string | undefined;
  readonly details?: ErrorDetails | undefined;
  readonly cause?: unknown;
  /** Whether a retry may succeed. Defaults to the class's value. */
  readonly retryable?: boolean | undefined;
}

/**
 * Names the class on its prototype. A plugin's bundle and its guest each have a copy of these
 * classes; the name makes the copies equal for `instanceof`.
 */
const CLASS_NAME: unique symbol = Symbol.for('plinth.error') as never;

/**
 * Base of every error that Plinth raises. `instanceof` also recognises errors made by another copy
 * of this module.
 */
export class PluginError extends Error {
  declare readonly [CLASS_NAME]: string;
  /** Stable identifier, `area/what`. */
  readonly code: string;
  /** Id of the plugin at fault, when there is one. */
  readonly plugin?: string;
  readonly details: ErrorDetails;
  /** Whether the same request may succeed on retry. */
  readonly retryable: boolean;

  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    if (options.plugin !== undefined) this.plugin = options.plugin;
    this.details = options.details ?? {};
    this.retryable = options.retryable ?? isRetryable(this);
  }
}

/** The name of an error's class in this taxonomy, from any copy of this module. */
export function errorClassOf(value: unknown): keyof typeof ERROR_CLASSES | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  const name = (value as PluginError)[CLASS_NAME];
  return typeof name === 'string' && Object.hasOwn(ERROR_CLASSES, name)
    ? (name as keyof typeof ERROR_CLASSES)
    : undefined;
}

/** The configuration is wrong: fatal until it is changed. */
export class PluginConfigurationError extends PluginError {}
/** The user must sign in or choose another account. */
export class PluginAuthenticationError extends PluginError {}
/** The plugin isn't allowed to do this. */
export class PluginPermissionError extends PluginError {}
/** A value doesn't fit its schema or can't cross the boundary: a bad request. */
export class PluginValidationError extends PluginError {}
/** The network failed: retryable. */
export class PluginNetworkError extends PluginError {}
/** A deadline passed. */
export class PluginTimeoutError extends PluginError {}
/** The caller cancelled, or the plugin stopped while it was asked. */
export class PluginCancelledError extends PluginError {}
/** The plugin's guest ended while it was needed: retryable. */
export class PluginCrashedError extends PluginError {}
/** The guest is alive but doesn't answer. */
export class PluginUnresponsiveError extends PluginError {}
/** A rate, a queue or a quota is full: retryable. */
export class PluginOverloadedError extends PluginError {}
/** The target is not available: not found, not active or disabled. */
export class PluginUnavailableError extends PluginError {}
/** `plugin.json` is missing or wrong. */
export class PluginManifestError extends PluginError {}
/** What a plugin needs can't be satisfied together. */
export class PluginResolutionError extends PluginError {}
/** A lifecycle step failed or isn't possible in this state. */
export class PluginLifecycleError extends PluginError {}
/** Code or signature differs from what was promised. */
export class PluginSignatureError extends PluginError {}
/** The other side broke the protocol. */
export class PluginProtocolError extends PluginError {}

/** An error that a contract declares. `code` is its bare key; `data` matches that key's schema. */
export class PluginDeclaredError<Data = unknown> extends PluginError {
  readonly data: Data;
  constructor(code: string, data: Data, options: ErrorOptions & { message?: string } = {}) {
    super(code, options.message ?? `declared error '${code}'`, {
      ...options,
      details: options.details ?? { data },
    });
    this.data = data;
  }
}

function isRetryable(error: PluginError): boolean {
  return (
    error instanceof PluginNetworkError ||
    error instanceof PluginCrashedError ||
    error instanceof PluginOverloadedError
  );
}

/** Constructor type of every class of the taxonomy except {@link PluginDeclaredError}. */
export type PluginErrorClass = new (
  code: string,
  message: string,
  options?: ErrorOptions,
) => PluginError;

/** Every class by its name. Written out because a minified bundle renames classes but not keys. */
export const ERROR_CLASSES = {
  PluginConfigurationError,
  PluginAuthenticationError,
  PluginPermissionError,
  PluginValidationError,
  PluginNetworkError,
  PluginTimeoutError,
  PluginCancelledError,
  PluginCrashedError,
  PluginUnresponsiveError,
  PluginOverloadedError,
  PluginUnavailableError,
  PluginManifestError,
  PluginResolutionError,
  PluginLifecycleError,
  PluginSignatureError,
  PluginProtocolError,
  PluginDeclaredError,
  PluginError,
} as const;

for (const [name, Class] of Object.entries(ERROR_CLASSES)) {
  Object.defineProperty(Class.prototype, 'name', {
    value: name,
    writable: true,
    configurable: true,
    enumerable: false,
  });
  Object.defineProperty(Class.prototype, CLASS_NAME, { value: name });
  Object.defineProperty(Class, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // An author's own subclass matches only itself.
      if (this !== Class)
        return Function.prototype[Symbol.hasInstance].call(this as () => void, value);
      const found = errorClassOf(value);
      return found !== undefined && (name === 'PluginError' || name === found);
    },
  });
}

/**
 * Codes that a guest raises too, and the class of each. Codes that only the kernel raises are in
 * `error-codes.ts`: a guest gets their class name with the error.
 */
export const SHARED_CODES = {
  'contract/invalid': PluginValidationError,
  'plugin/unavailable': PluginUnavailableError,
  'plugin/load-failed': PluginLifecycleError,
  'plugin/illegal-transition': PluginLifecycleError,
  'scope/disposed': PluginLifecycleError,
  'config/invalid': PluginConfigurationError,
  'call/invalid-input': PluginValidationError,
  'call/invalid-output': PluginValidationError,
  'call/invalid-option': PluginValidationError,
  'call/undeclared-error': PluginValidationError,
  'call/timeout': PluginTimeoutError,
  'call/cancelled': PluginCancelledError,
  'call/cycle': PluginLifecycleError,
  'call/overloaded': PluginOverloadedError,
  'call/failed': PluginError,
  'event/invalid': PluginValidationError,
  'stream/locked': PluginValidationError,
  'stream/invalid-item': PluginValidationError,
  'storage/conflict': PluginOverloadedError,
  'fs/invalid': PluginValidationError,
  'network/invalid': PluginValidationError,
  'value/invalid': PluginValidationError,
  'guest/terminated': PluginCrashedError,
  'wire/refused': PluginProtocolError,
} as const satisfies Record<string, PluginErrorClass>;

/** A code that either side raises. */
export type SharedErrorCode = keyof typeof SHARED_CODES;

/** Creates the typed error for one of these codes. */
export function createSharedError(
  code: SharedErrorCode,
  message: string,
  options?: ErrorOptions,
): PluginError {
  const Class: PluginErrorClass = SHARED_CODES[code];
  return new Class(code, message, options);
}

/** The text of any value, as of a thrown one. Never throws. */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } catch {
    return 'a value that cannot be printed';
  }
}
