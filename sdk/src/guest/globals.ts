/**
 * Hides from plugin code what isn't portable: network, storage, workers, locks, module loaders, the
 * raw port. Below `sandbox` this is hygiene, not a wall: it keeps plugins portable, but a plugin
 * that wants to get around it can.
 */

/** Globals beside ECMAScript's own that plugins may use in every runtime. */
const PORTABLE: ReadonlySet<string> = new Set([
  'globalThis',
  'self',
  'console',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'queueMicrotask',
  'structuredClone',
  'TextEncoder',
  'TextDecoder',
  'URL',
  'URLSearchParams',
  'AbortController',
  'AbortSignal',
  'Event',
  'EventTarget',
  'DOMException',
  'crypto',
  'Crypto',
  'CryptoKey',
  'SubtleCrypto',
  'performance',
  'Performance',
  'atob',
  'btoa',
  'ReadableStream',
  'WritableStream',
  'TransformStream',
  'ByteLengthQueuingStrategy',
  'CountQueuingStrategy',
  'CompressionStream',
  'DecompressionStream',
  'Blob',
  'File',
  'Headers',
  'CustomEvent',
  'TextDecoderStream',
  'TextEncoderStream',
]);

/**
 * Deno reports uncaught errors through it; without it they would end the worker with another error.
 */
const NEEDED_BELOW: ReadonlySet<string> = new Set(['dispatchEvent']);

/** ECMAScript's globals: never touched, in any edition that the engine supports. */
const ECMASCRIPT: ReadonlySet<string> = new Set([
  'undefined',
  'NaN',
  'Infinity',
  'Object',
  'Function',
  'Array',
  'Number',
  'Boolean',
  'String',
  'Symbol',
  'BigInt',
  'Math',
  'JSON',
  'Intl',
  'Reflect',
  'Proxy',
  'Promise',
  'Date',
  'RegExp',
  'Temporal',
  'Map',
  'Set',
  'WeakMap',
  'WeakSet',
  'WeakRef',
  'FinalizationRegistry',
  'Iterator',
  'AsyncIterator',
  'Error',
  'AggregateError',
  'SuppressedError',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'ReferenceError',
  'EvalError',
  'URIError',
  'ArrayBuffer',
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DisposableStack',
  'AsyncDisposableStack',
  'isFinite',
  'isNaN',
  'parseFloat',
  'parseInt',
  'decodeURI',
  'decodeURIComponent',
  'encodeURI',
  'encodeURIComponent',
  'escape',
  'unescape',
  'eval',
]);

/**
 * Hides every other global of a worker, own or inherited. Called once, before plugin code is
 * loaded. `code` is the plugin's text.
 */
export function hideGlobals(
  scope: object,
  allowed: { readonly wasm: boolean; readonly code: string },
): void {
  // Browsers and walled guests have `self`; Node's threads don't.
  if (!('self' in scope))
    Object.defineProperty(scope, 'self', {
      value: scope,
      writable: true,
      configurable: true,
      enumerable: false,
    });
  // Loaded now, while what they need exists. A name that the code doesn't contain need not be
  // loaded.
  for (const name of LOADED_LATER)
    if (!allowed.code.includes(name) || (scope as Record<string, unknown>)[name] === undefined)
      hide(scope, name);
  for (
    let object: object | null = scope;
    object !== null && object !== Object.prototype;
    object = Object.getPrototypeOf(object) as object | null
  ) {
    for (const name of Object.getOwnPropertyNames(object)) {
      if (
        name === 'constructor' ||
        PORTABLE.has(name) ||
        ECMASCRIPT.has(name) ||
        NEEDED_BELOW.has(name)
      )
        continue;
      if (name === 'WebAssembly' && allowed.wasm) continue;
      hide(scope, name);
    }
  }
}

/** Node loads these on first read, and their loading needs globals that are hidden by then. */
const LOADED_LATER = ['Headers'] as const;

// Inherited globals are shadowed by an own `undefined`, because the prototypes belong to the
// platform. The glue has taken its own references before.
function hide(scope: object, name: string): void {
  try {
    // Deleted first, because V8 keeps a lazy property (WebSocket in Node) lazy when it is only
    // redefined. Also, a deleted global throws an error with its name.
    if (Reflect.deleteProperty(scope, name) && !(name in scope)) return;
    Object.defineProperty(scope, name, {
      value: undefined,
      writable: true,
      configurable: true,
      enumerable: false,
    });
  } catch {
    // Not configurable (`onmessage` in some engines): it stays, as the docs of this level say.
  }
}
