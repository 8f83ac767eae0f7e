/**
 * Bundles in a format that is no plugin's: each error names the format, in every isolation, and
 * nothing quotes the bundle.
 */

import type { KernelOptions } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { has } from '../matrix/gaps.ts';
import { full } from '../support/full.ts';
import { bundleOf, pluginOf } from '../support/plugins.ts';
import { diagnose } from './diagnose.ts';

const walled = await has('wall');
const ISOLATIONS = !full
  ? (['worker'] as const)
  : walled
    ? (['inline', 'worker', 'process', 'sandbox'] as const)
    : (['inline', 'worker'] as const);
/** A text that shows whether a bundle was quoted. */
const MARK = 'markOfTheBundle';

for (const isolation of ISOLATIONS) {
  describe(`${runtime} ${isolation}: a bundle`, () => {
    const fail = async (code: string, more: Parameters<typeof bundleOf>[2] = {}) => {
      const options: KernelOptions = {
        host: createHost(),
        isolation: (manifest) => (manifest.id === 'test.bad' ? isolation : 'inline'),
      };
      const { failures, failure } = await diagnose(
        [bundleOf('test.bad', `${code}\n// ${MARK}`, more)],
        options,
      );
      expect(failures.map(({ id }) => id)).toEqual(['test.bad']);
      const { error } = failure;
      expect(error.plugin).toBe('test.bad');
      for (let one: unknown = error; one instanceof Error; one = one.cause) {
        expect(one.message + one.stack).not.toContain(MARK);
        expect(one.message + one.stack).not.toMatch(/data:text/);
      }
      return error;
    };

    it.each<[string, string, RegExp]>([
      ['a CommonJS module', 'module.exports = { activate() {} };', /CommonJS/],
      [
        'a CommonJS module of a compiler',
        '"use strict";\nObject.defineProperty(exports, "__esModule", { value: true });\nexports.default = { activate() {} };',
        /CommonJS/,
      ],
      [
        'a CommonJS module that requires',
        'const fs = require("fs"); module.exports = { activate() { fs; } };',
        /CommonJS/,
      ],
      ['a script', 'var Plugin = (function () { return { activate() {} }; })();', /IIFE/],
      ['a script of an arrow', '(() => { globalThis.plugin = { activate() {} }; })();', /IIFE/],
      [
        'a script behind a banner',
        '/*! banner */\n"use strict";\nvar plugin = (() => { return { activate() {} }; })();',
        /IIFE/,
      ],
      [
        'a UMD bundle',
        "(function (root, factory) { if (typeof define === 'function' && define.amd) define([], factory); else if (typeof module === 'object' && module.exports) module.exports = factory(); else root.X = factory(); })(typeof self !== 'undefined' ? self : this, function () { return { activate() {} }; });",
        /UMD/,
      ],
      [
        'a page',
        '<!doctype html>\n<html><body>Not found</body></html>',
        /memory:test\.bad\/plugin\.js is a page \(HTML\)/,
      ],
      ['a page without a doctype', '\n<html lang="en">', /is a page \(HTML\)/],
      [
        'TypeScript',
        'interface Options { text: string }\nexport default { activate(ctx: unknown) {} };',
        /TypeScript/,
      ],
    ])('that is %s gets an error that names the format', async (_, code, message) => {
      const error = await fail(code);
      expect(error).toMatchObject({ code: 'plugin/load-failed' });
      expect(error.message).toMatch(message);
    });

    it('that does not parse gets an error with line and column', async () => {
      expect((await fail('export default {\n  activate( {\n  },\n};')).message).toMatch(
        /does not parse: .*\(line 4, column 1\)/,
      );
      expect((await fail('export default { activate() {} };\nconst = 5;')).message).toMatch(
        /does not parse: .*\(line 2, column 7\)/,
      );
      expect((await fail('export default { activate() { "open } };')).message).toMatch(
        /does not parse: .*\(line 1, column 31\)/,
      );
    });

    it.each<[string, string, RegExp]>([
      [
        'a built-in module',
        "import { readFileSync } from 'node:fs'; export default { activate() { readFileSync; } };",
        /'node:fs'/,
      ],
      [
        'a built-in module for what it does',
        "import 'node:fs/promises'; export default { activate() {} };",
        /'node:fs\/promises'/,
      ],
      [
        'a built-in module later',
        "export default { async activate() { await import('node:os'); } };",
        /'node:os'/,
      ],
      [
        'a file beside it later',
        "export default { async activate() { await import('./other.js'); } };",
        /'\.\/other\.js'/,
      ],
      [
        'a package later',
        "export default { async activate() { await import('left-pad'); } };",
        /'left-pad'/,
      ],
    ])('that imports %s is refused, and the error names the import', async (_, code, name) => {
      expect((await fail(code)).message).toMatch(name);
    });

    it('that only mentions importing is a plugin', async () => {
      const code =
        "const text = \"import 'node:fs'\"; /* import fs from 'node:fs' */ // from 'node:os'\n export default { activate() { return [text, `from 'node:vm'`]; } };";
      const { active } = await diagnose([bundleOf('test.good', code)], {
        host: createHost(),
        isolation: (manifest) => (manifest.id === 'test.good' ? isolation : 'inline'),
      });
      expect(active).toContain('test.good');
    });

    it('that fails while it runs is not quoted in the error', async () => {
      const error = await fail(
        "export default { activate() { throw new Error(new Error('x').stack); } };",
      );
      expect(error.message).toContain('activate failed');
    });
  });
}

describe(`${runtime}: a manifest`, () => {
  it('that is a page gets an error that says so', async () => {
    const { failure } = await diagnose([
      { ...pluginOf('test.bad', ''), manifest: '<!doctype html><title>Start</title>' },
    ]);
    expect(failure.error).toMatchObject({
      code: 'manifest/not-json',
      message: expect.stringContaining('it is a page (HTML)'),
    });
  });
});
