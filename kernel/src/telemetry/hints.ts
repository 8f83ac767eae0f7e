/** Hints for missing globals: what a plugin uses instead, reported with the error. */

const PROCESS =
  "settings come from ctx.config, variables of the application's environment from ctx.env.get(name) with the right 'env.read'";
const DOM =
  "a plugin has no page: the application's views are reached through a contract that it provides";
const STORE = "use ctx.storage, which is the plugin's own";
const MODULE =
  "a plugin is one bundled ES module: build it with format 'esm' and everything it needs inside";
const NETWORK = "use ctx.fetch(url) with the right 'network.fetch'";
const THREAD =
  'a plugin is one thread: work that takes long is done in slices, or by another plugin';
const LOADER = `plugins import nothing: files are reached through ctx.fs with the right 'fs.read', the network through ctx.fetch; ${MODULE}`;

/** By the name of the global. */
const INSTEAD: Readonly<Record<string, string>> = {
  fetch: NETWORK,
  XMLHttpRequest: NETWORK,
  WebSocket: NETWORK,
  EventSource: NETWORK,
  process: PROCESS,
  Deno: PROCESS,
  Bun: PROCESS,
  document: DOM,
  window: DOM,
  location: DOM,
  navigator: DOM,
  history: DOM,
  alert: DOM,
  HTMLElement: DOM,
  requestAnimationFrame: DOM,
  localStorage: STORE,
  sessionStorage: STORE,
  indexedDB: STORE,
  caches: STORE,
  require: MODULE,
  module: MODULE,
  exports: MODULE,
  define: MODULE,
  __dirname: MODULE,
  __filename: MODULE,
  importScripts: MODULE,
  Buffer: 'use Uint8Array, TextEncoder and TextDecoder',
  global: "write 'globalThis'",
  setImmediate: 'use setTimeout or queueMicrotask',
  clearImmediate: 'use clearTimeout',
  postMessage: 'use events and commands of ctx',
  Worker: THREAD,
  SharedWorker: THREAD,
  SharedArrayBuffer: THREAD,
  BroadcastChannel: 'use ctx.events',
  MessageChannel: 'use ctx.events, or a stream as the answer of a command',
  WebAssembly:
    'ask for it in plugin.json: "permissions": { "wasm": true }, where policy and isolation allow it',
};

/**
 * How engines report that something is missing or used as the wrong type. The first group is its
 * name.
 */
const MISSING = [
  /^(?:Can't find variable: )([A-Za-z_$][\w$]{0,40})/,
  /^(?:(?:globalThis|self)\.)?([A-Za-z_$][\w$]{0,40}) is (?:not defined|not a function|not a constructor|undefined)/,
  /^can't access property "[^"]{0,80}", (?:(?:globalThis|self)\.)?([A-Za-z_$][\w$]{0,40}) is undefined/,
  /^undefined is not (?:an object|a function|a constructor) \(evaluating '(?:new )?(?:(?:globalThis|self)\.)?([A-Za-z_$][\w$]{0,40})/,
];

/** Whether an error concerns a member of something undefined that its engine doesn't name. */
export function isNameless(message: string): boolean {
  return (
    message.startsWith('Cannot read properties of undefined') ||
    message.startsWith('Cannot set properties of undefined')
  );
}

/**
 * The hint for an error, or undefined. Its cost is linear in the length of the message.
 *
 * @param before the text of the bundle before the place of the error, for errors that are {@link
 * isNameless}.
 */
export function hintFor(
  { name, message }: { readonly name: string; readonly message: string },
  before = '',
): string | undefined {
  if (message.length > 1_024 || (name !== 'ReferenceError' && name !== 'TypeError'))
    return undefined;
  const nameless = isNameless(message)
    ? /([A-Za-z_$][\w$]{0,40})\s{0,8}\.\s{0,8}$/.exec(before)?.[1]
    : undefined;
  const missing =
    nameless ??
    MISSING.map((pattern) => pattern.exec(message)?.[1]).find((found) => found !== undefined);
  return missing !== undefined && Object.hasOwn(INSTEAD, missing) ? INSTEAD[missing] : undefined;
}

const ESM =
  "build it with format 'esm' (rolldown, Rollup and esbuild: format: 'esm'; Vite: build.lib.formats: ['es'])";

/**
 * The format of a bundle that isn't one ES module with a default export. Undefined when it looks
 * like one.
 */
export function formatOf(code: string, main: string): string | undefined {
  const start = code.slice(0, 65_536);
  if (/^\s*[{[]/.test(start) && isJson(code)) return 'it is JSON, not code';
  if (
    /\.tsx?$/.test(main) ||
    /^(?:import type|(?:export )?(?:interface|type|enum|declare) [A-Za-z_$])/m.test(start)
  )
    return 'it looks like TypeScript: build it to JavaScript first';
  if (/\bexport\b/.test(start) || /\bexport\s*[{*d]/.test(code.slice(-65_536))) return undefined;
  if (/\bmodule\.exports\b|\bexports\.[\w$]+\s*=|\(exports,\s|\brequire\(/.test(start)) {
    return /\bdefine\.amd\b/.test(start)
      ? `it is a UMD bundle, and a plugin is an ES module: ${ESM}`
      : `it is a CommonJS module, and a plugin is an ES module: ${ESM}`;
  }
  // The text is kept short, because the pattern tries every possible start.
  const head = start.trimStart().slice(0, 1_024);
  if (
    /^(?:\s|["']use strict["'];?|\/\/[^\n]*\n|\/\*[^*]*\*\/)*(?:(?:var|let|const) [\w$]+\s?=\s?)?[!+;(]*(?:async )?(?:function\b|\(\) ?=>)/.test(
      head,
    )
  )
    return `it is a script (IIFE), and a plugin is an ES module: ${ESM}`;
  return undefined;
}

function isJson(code: string): boolean {
  try {
    JSON.parse(code.length > 262_144 ? '' : code);
    return true;
  } catch {
    return false;
  }
}

/**
 * The hint for an import that a plugin tries at run time. Undefined when the error has another
 * cause.
 */
export function importOf({
  name,
  message,
  code,
}: {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
}): string | undefined {
  if (message.length > 2_048 || message.startsWith('it imports ')) return undefined;
  const asked =
    code === 'ERR_UNSUPPORTED_RESOLVE_REQUEST' ||
    code === 'ERR_UNSUPPORTED_ESM_URL_SCHEME' ||
    code === 'ERR_MODULE_NOT_FOUND' ||
    code === 'ERR_UNKNOWN_BUILTIN_MODULE';
  if (!asked && (name !== 'TypeError' || !/module|import/i.test(message))) return undefined;
  const specifier = /(?:specifier|module|Import|name,) ["'“](.{1,200}?)["'”]/.exec(message)?.[1];
  return specifier === undefined ? undefined : `it imports '${specifier}': ${LOADER}`;
}
