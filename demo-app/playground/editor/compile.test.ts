/** From TypeScript to a bundle: what comes out, and where problems are. */
import { beforeAll, describe, expect, it } from 'vitest';
import { pluginModules } from '../../build/plugin-modules.ts';
import { problemsOf } from '../../testing/compile-problems.ts';
import { compile, type PluginModules } from './compile.ts';
import { lineIn, lineOf } from './problem.ts';

let modules: PluginModules;
beforeAll(async () => {
  modules = await pluginModules();
});

/** Evaluates a bundle. */
const load = async (source: string): Promise<unknown> => {
  const text = Buffer.from(compile(source, modules)).toString('base64');
  return ((await import(`data:text/javascript;base64,${text}`)) as { default: unknown }).default;
};
const lines = (source: string) => problemsOf(source, modules).map(({ line }) => line);
const told = (source: string) => problemsOf(source, modules).map(({ message }) => message);

describe('a compiled plugin', () => {
  it('has no types, and what it imports', async () => {
    const source = `import { definePlugin, type Plugin } from '@plinth/sdk';
      interface A { a: number }
      const a = { a: 1 } as A satisfies A;
      enum Colour { Red = 3 }
      export default definePlugin({ activate: (): number => a!.a + Colour.Red }) as Plugin;`;
    const plugin = (await load(source)) as { activate(): number };
    expect(plugin.activate()).toBe(4);
  });

  it('imports under other names, over several lines, and whole modules', async () => {
    const source = `import {
        h as element,
      } from '@plinth/ui';
      import * as sdk from '@plinth/sdk';
      export default [element('divider').type, typeof sdk.definePlugin, new Error('x').stack];`;
    const [type, define, stack] = (await load(source)) as [string, string, string];
    expect([type, define]).toEqual(['divider', 'function']);
    // The last line of the source is the fifth.
    expect(/:(\d+):\d+\)?$/m.exec(stack)?.[1]).toBe('5');
  });

  it('has one copy of the SDK, also for what @plinth/ui makes of it', async () => {
    const source = `import { PluginError, contract } from '@plinth/sdk';
      import { View } from '@plinth/ui';
      export default View.$id + typeof contract + typeof PluginError;`;
    expect(await load(source)).toBe('plinth.view@1functionfunction');
  });

  it('is small', () => {
    const size = ({ texts }: PluginModules, name: string) => texts[name]?.length ?? 0;
    expect(size(modules, '@plinth/sdk')).toBeLessThan(16_000);
    expect(size(modules, '@plinth/ui')).toBeLessThan(40_000);
  });
});

describe('a problem', () => {
  it('of syntax has its line', () => {
    expect(lines('const a = 1;\nconst b = (;\n')).toEqual([2]);
    expect(lines('const a: number = 1;\n\nfoo bar\n')).toEqual([3]);
    expect(lines('type A = {\n')).toHaveLength(1);
  });

  it('that only an engine would find has its line', () => {
    expect(lines('let a = 1;\nlet a = 2;\n')).toEqual([2]);
    expect(lines('export default 1;\n\nreturn 2;\n')).toEqual([3]);
  });

  it('of an import says what there is', () => {
    expect(told("import x from 'lodash';\nx();")).toEqual([
      "'lodash' can't be imported here: there are '@plinth/sdk' and '@plinth/ui'",
    ]);
    expect(told("\nimport { nothing } from '@plinth/sdk';\nnothing();")).toEqual([
      "'@plinth/sdk' exports no 'nothing' here",
    ]);
    expect(told("import sdk from '@plinth/sdk';\nsdk();")).toEqual([
      "'@plinth/sdk' exports no 'default' here",
    ]);
    expect(told("export * from '@plinth/sdk';")).toHaveLength(1);
    expect(told("import { toString } from '__proto__';\ntoString();")[0]).toContain("'__proto__'");
  });

  it('of a run is at the line of the innermost cause', () => {
    const inner = new Error('x');
    inner.stack = 'Error: x\n at activate (plugin.ts:12:1)\n at plugin.ts:3:1';
    const outer = new Error('cannot activate: x', { cause: inner });
    outer.stack = 'Error: at somewhere.js:1:1';
    expect(lineOf(outer)).toBe(12);
    expect(lineOf(new Error('no place'))).toBeUndefined();
    expect(lineOf('no error')).toBeUndefined();
    expect(lineIn('does not parse (line 3, column 2, plugin.ts:3:1)')).toBe(3);
  });
});
