/** Hints for authors: what a plugin uses instead of what it lacks. */
import { describe, expect, it } from 'vitest';
import { formatOf, hintFor, importOf, isNameless } from '../../kernel/src/telemetry/hints.ts';

describe('hintFor()', () => {
  it.each([
    ['ReferenceError', 'fetch is not defined', 'ctx.fetch'],
    ['ReferenceError', "Can't find variable: process", 'ctx.env'],
    ['TypeError', 'globalThis.require is not a function', "format 'esm'"],
    ['TypeError', "undefined is not an object (evaluating 'localStorage.x')", 'ctx.storage'],
  ])('of %s: %s, names a replacement', (name, message, hint) => {
    expect(hintFor({ name, message })).toContain(hint);
  });

  it('finds the name in the code where the engine does not give it', () => {
    const error = { name: 'TypeError', message: "Cannot read properties of undefined ('x')" };
    expect(isNameless(error.message)).toBe(true);
    expect(hintFor(error, 'const a = document.')).toContain('a plugin has no page');
    expect(hintFor(error)).toBeUndefined();
  });

  it('is undefined for names of the plugin, other errors and long messages', () => {
    expect(hintFor({ name: 'ReferenceError', message: 'mine is not defined' })).toBeUndefined();
    expect(hintFor({ name: 'ReferenceError', message: 'toString is not defined' })).toBeUndefined();
    expect(hintFor({ name: 'Error', message: 'fetch is not defined' })).toBeUndefined();
    const message = `fetch is not defined${' '.repeat(2_000)}`;
    expect(hintFor({ name: 'ReferenceError', message })).toBeUndefined();
  });
});

describe('formatOf()', () => {
  it.each([
    ['{"id": 1}', 'plugin.js', 'JSON'],
    ['export default {}', 'plugin.ts', 'TypeScript'],
    ['module.exports = {}', 'plugin.js', 'CommonJS'],
    ['(function (a) { define.amd; require("x") })()', 'plugin.js', 'UMD'],
    ['"use strict"; (() => {})()', 'plugin.js', 'IIFE'],
  ])('of %j in %s is %s', (code, main, format) => {
    expect(formatOf(code, main)).toContain(format);
  });

  it('of an ES module is undefined', () => {
    expect(formatOf('export default { activate() {} };', 'plugin.js')).toBeUndefined();
  });
});

describe('importOf()', () => {
  it('names the module that a plugin imports at run time', () => {
    const message = "Cannot find module 'node:fs' imported from data:";
    expect(importOf({ name: 'Error', message, code: 'ERR_MODULE_NOT_FOUND' })).toContain(
      "it imports 'node:fs'",
    );
  });

  it('is undefined for an error with another cause', () => {
    expect(importOf({ name: 'TypeError', message: 'x is not a function' })).toBeUndefined();
  });
});
