/**
 * Finds what `JSON.parse` hides: duplicate keys and keys like `__proto__`. Also finds the nearest
 * known word to a typo.
 */
import type { Issue } from './schema.js';
import { MAX_DEPTH, MAX_PROBLEMS } from './unsafe-keys.js';

/** Every duplicate key in a valid JSON text, with its path; at most 50. */
export function duplicateKeys(json: string): Issue[] {
  const problems: Issue[] = [];
  const frames: { keys: Set<string> | undefined; key: string; index: number }[] = [];
  const path = () =>
    frames.map((frame) => (frame.keys === undefined ? frame.index : frame.key)).join('.');
  let expectKey = false;
  for (const match of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)) {
    const token = match[0];
    const top = frames.at(-1);
    if (token === '{' || token === '[') {
      frames.push({ keys: token === '{' ? new Set() : undefined, key: '', index: 0 });
      expectKey = token === '{';
    } else if (token === '}' || token === ']') {
      frames.pop();
      expectKey = false;
    } else if (token === ',') {
      if (top !== undefined) top.index += 1;
      expectKey = top?.keys !== undefined;
    } else if (token !== ':' && expectKey && top?.keys !== undefined) {
      expectKey = false;
      top.key = JSON.parse(token) as string;
      if (top.keys.has(top.key)) problems.push({ path: path(), message: 'is written twice' });
      if (problems.length >= MAX_PROBLEMS) break;
      top.keys.add(top.key);
    }
  }
  return problems;
}

/**
 * Whether {@link duplicateKeys} and {@link unsafeKeys} would find nothing. It costs a fraction of
 * them: in a catalogue of thousands of manifests most are sound.
 */
export function hasPlainKeys(json: string, value: unknown): boolean {
  return countKeys(value, 0) === keysIn(json);
}

/** Number of keys written in a valid JSON text: strings followed by a colon. */
function keysIn(json: string): number {
  let keys = 0;
  for (let at = json.indexOf('"'); at !== -1; at = json.indexOf('"', at)) {
    let end = json.indexOf('"', at + 1);
    while (isEscaped(json, end)) end = json.indexOf('"', end + 1);
    at = end + 1;
    while (json.charCodeAt(at) <= SPACE) at += 1;
    if (json.charCodeAt(at) === COLON) keys += 1;
  }
  return keys;
}

const SPACE = 0x20;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

function isEscaped(json: string, quote: number): boolean {
  let slashes = 0;
  while (json.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes += 1;
  return slashes % 2 === 1;
}

/**
 * Number of keys in a value, nested ones included. NaN when one may be unsafe or the nesting is too
 * deep.
 */
function countKeys(value: unknown, depth: number): number {
  if (value === null || typeof value !== 'object') return 0;
  if (depth > MAX_DEPTH) return Number.NaN;
  let keys = 0;
  if (Array.isArray(value)) {
    for (const item of value) keys += countKeys(item, depth + 1);
    return keys;
  }
  for (const key of Object.keys(value)) {
    if (key === '__proto__' || key === 'constructor' || key === 'prototype') return Number.NaN;
    keys += 1 + countKeys((value as Record<string, unknown>)[key], depth + 1);
  }
  return keys;
}

/**
 * The top-level key under which a text is nested too deep, found without parsing; undefined when
 * none is.
 */
export function deepKey(json: string): string | undefined {
  let depth = 0;
  let key = '';
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token.startsWith('"')) {
      if (depth === 1) key = token.slice(1, -1);
    } else if (token === '}' || token === ']') depth -= 1;
    else if (++depth > MAX_DEPTH) return key;
  }
  return undefined;
}

/**
 * Whether a written number changes when it is parsed, because it has more digits than a number
 * keeps.
 */
export function losesDigits(written: string): boolean {
  const value = Number(written);
  if (!Number.isFinite(value)) return true;
  if (/[eE]/.test(written)) return false;
  const [whole = ''] = written.split('.');
  return !Number.isSafeInteger(Number(whole)) && BigInt(whole) !== BigInt(Number(whole));
}

/** Numbers of a JSON text that lose digits. */
export function lossyNumbers(json: string): readonly string[] {
  if (!/\d{16}|[eE]\+?\d{3}/.test(json)) return [];
  return [...json.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g)]
    .map(([token]) => token)
    .filter((token) => !token.startsWith('"') && losesDigits(token));
}
