/**
 * Hides what isn't portable from plugin code: network, storage, workers, locks, module loaders, the raw port. Below
 * `sandbox` this is hygiene, not a wall: it keeps plugins honest and the same in every runtime, and stops nobody who
 * wants to get around it.
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
  'Headers',
]);

/** Deno tells of errors that nobody caught through it; without it they would end the worker as something else. */
const NEEDED_BELOW: ReadonlySet<string> = new Set(['dispatchEvent']);

/** ECMAScript's globals: never touched, whatever edition the engine speaks. */
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

/** Hides every other global of a worker, own or inherited. Called once, before plugin code is loaded. */
export function hideGlobals(scope: object, allowed: { readonly wasm: boolean }): void {
  for (let object: object | null = scope; object !== null && object !== Object.prototype; object = Object.getPrototypeOf(object) as object | null) {
    for (const name of Object.getOwnPropertyNames(object)) {
      if (name === 'constructor' || PORTABLE.has(name) || ECMASCRIPT.has(name) || NEEDED_BELOW.has(name)) continue;
      if (name === 'WebAssembly' && allowed.wasm) continue;
      hide(scope, name);
    }
  }
}

// An own `undefined` shadows what the prototype has. Methods of EventTarget stay usable through the prototype: the
// glue has taken its own references before.
function hide(scope: object, name: string): void {
  try {
    // Deleted first: V8 keeps a lazy property (WebSocket in Node) lazy when it is only redefined.
    Reflect.deleteProperty(scope, name);
    Object.defineProperty(scope, name, { value: undefined, writable: true, configurable: true, enumerable: false });
  } catch {
    // Not configurable (`onmessage` in some engines): stays, as the docs of this level say.
  }
}
