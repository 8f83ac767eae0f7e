/** A bundle exports the same as a functor and as a module. */
import { toFunctor, toFunctorInSlices } from '@plinth/sdk/pack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { full } from '../support/full.ts';
import { refused, same, shown } from './functor-cases.ts';

interface Exports {
  readonly default?: unknown;
}

const asModule = async (code: string) =>
  (await import(
    /* @vite-ignore */ `data:text/javascript;charset=utf-8,${encodeURIComponent(code)}`
  )) as Exports;

async function asFunctor(code: string): Promise<Exports> {
  const exports = {};
  // biome-ignore lint/security/noGlobalEval: it is how functors are evaluated.
  const evaluate = globalThis.eval;
  await (evaluate(`(${toFunctor(code, 'test')}\n)`) as (exports: object) => Promise<void>)(exports);
  return exports;
}

describe('toFunctor', () => {
  it.each(same)('%s', async (_, code) => {
    expect(await shown((await asFunctor(code)).default)).toBe(
      await shown((await asModule(code)).default),
    );
  });

  it('contains nothing that hardened JavaScript might refuse', () => {
    for (const [what, code] of same)
      expect(toFunctor(code, 'test'), what).not.toMatch(
        /<!--|-->|(?:^|[^.])\bimport\s*(?:[(.]|\/[/*])|(?:^|[^.])\beval\s*\(/,
      );
  });

  it('separates what is no comment in a module', async () => {
    // The engine refuses it in modules for safety; other engines don't.
    expect(
      (await asFunctor('let y = 1, x = -2; export default [x<!--y, 1<<!--y]')).default,
    ).toEqual([true, 1]);
  });

  it.each(refused)('refuses %j', (code, what) => {
    let error: unknown;
    try {
      toFunctor(code, 'my.plugin (folder/plugin.js)');
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({
      code: 'plugin/load-failed',
      message: `cannot load my.plugin (folder/plugin.js): ${what}; bundle the plugin into one file that imports nothing`,
      details: { file: 'my.plugin (folder/plugin.js)' },
    });
  });

  it.each([
    ['import alone', 'import'],
    ['export alone', 'export'],
    ['an open list', 'export {'],
    ['an open list with as', 'export { a as'],
    ['an open string', "export default 'import("],
    ['an open template', 'export default `${import'],
    ['an open comment', 'export default 1 /* import('],
    ['an open pattern', 'export default /import('],
    ['brackets the wrong way', '}) export default 1'],
    ['signs that are none', '@#\\ \u0000 export default 1'],
  ])(
    '%s is refused here or when it is evaluated, and never hangs',
    async (_, code) => {
      await expect(asModule(code)).rejects.toThrow();
    },
    1_000,
  );

  it('random statements in random order', async () => {
    const statement = fc.constantFrom(
      'log.push(1)',
      'var a = log.length',
      'var b = (x) => { log.push(typeof x); return b }',
      '(() => log.push("called"))()',
      '[1, 2].forEach((n) => log.push(n))',
      '`t` + log.push(`t`)',
      '/"/.test(log.push("p"))',
      '+log.push("plus")',
      '--log.n',
      'log.n++',
      'export {}',
      'export { log }',
      'export { b as c }',
      'export { log as other, b as "a b" }',
      'export var d = b',
      'export function f() { return 1 }',
      'export class G { static h = log.push("class") }',
      'if (log.n) { log.push("if") }',
      'for (var i = 2; i-->0;) log.push(i)',
      '{ log.push("block") }',
      'log.push(log.n<!--log.m)',
      'log.import = (x) => log.push(x); log.import(1)',
      'a = b\n(log)',
      'function eval_() { return /* import(\n*/ 1 }',
    );
    const gap = fc.constantFrom(
      ';',
      '\n',
      ';\n',
      '\r\n',
      ' // import(\n',
      ' /* --> */ ;',
      '/* <!--\n */',
      '\n\n// eval\n',
    );
    const end = fc.constantFrom(
      'export default log',
      'export default function () { return log }',
      'export default class { log = log }',
      'export { log as default }',
      'export default [log]',
      'export default async () => log',
    );
    const program = fc
      .tuple(
        fc.array(fc.tuple(statement, gap), { maxLength: 8 }),
        end,
        gap,
        fc.array(fc.tuple(statement, gap), { maxLength: 5 }),
      )
      .map(
        ([before, one, space, after]) =>
          `var log = []; log.n = 3; log.m = 2;\n${before.flat().join('')}${one}${space}${after.flat().join('')}`,
      );
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(program, async (code) => {
        const module = await asModule(code)
          .then((exports) => shown(exports.default))
          .catch((error: unknown) => error as Error);
        // Not every order is valid.
        if (module instanceof SyntaxError) return;
        compared += 1;
        const functor = await asFunctor(code)
          .then((exports) => shown(exports.default))
          .catch((error: unknown) => error as Error);
        if (module instanceof Error) expect((functor as Error).message).toBe(module.message);
        else expect(functor).toBe(module);
      }),
      { seed: 20_261_121, numRuns: 1_500 },
    );
    expect(compared).toBeGreaterThan(500);
  });

  it('takes linear time for any text', () => {
    const units = [
      'eval(',
      'import:',
      '{import(){}},',
      '"import   "',
      '// import\n',
      '<!--',
      'a--\n>',
      '$exports$',
      '.return/',
      '`${',
      '((((',
      '/[',
      "'\\",
      '/*',
      'eval   ',
      'x<!',
      '\\u{',
    ];
    for (const unit of full ? units : units.slice(0, 5)) {
      const time = (size: number) => {
        const code = unit.repeat(Math.ceil(size / unit.length));
        const start = performance.now();
        toFunctor(code, 'test');
        return performance.now() - start;
      };
      const least = (size: number) => Math.min(time(size), time(size), time(size));
      // Sixteen times the text, which would take 256 times as long with repeated scans.
      expect(least(80_000), unit).toBeLessThan(100 * least(5_000) + 300);
    }
  });
});

it('a bundle of megabytes blocks the thread only for moments', async () => {
  const line =
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a bundle.
    'const f = (a, b) => { const x = { import: 1, y: a + b / 2 }; return `t${x.y}` + /a+[b/]c/g.test(String(a)) ? "import(" : "y"; };\n';
  const code = `${line.repeat(full ? 20_000 : 5_000)}export default { activate() {} };`;
  let pauses = 0;
  let ticks = 0;
  let paused = 0;
  const ticking = setInterval(() => {
    ticks += 1;
  }, 0);
  const start = performance.now();
  const functor = await toFunctorInSlices(code, 'test', async () => {
    pauses += 1;
    const from = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 0));
    paused += performance.now() - from;
  });
  const worked = performance.now() - start - paused;
  clearInterval(ticking);
  expect(functor).toBe(toFunctor(code, 'test'));
  // How often it pauses depends on the machine's speed; how long it works between pauses doesn't.
  expect(pauses).toBeGreaterThan(0);
  expect(worked / (pauses + 1)).toBeLessThan(40);
  expect(ticks).toBeGreaterThan(0);
  expect(
    await toFunctorInSlices('export default 1;', 'test', () =>
      Promise.reject(new Error('no need')),
    ),
  ).toBe(toFunctor('export default 1;', 'test'));
  await expect(
    toFunctorInSlices("import 'x';", 'test', () => Promise.resolve()),
  ).rejects.toMatchObject({ code: 'plugin/load-failed' });
}, 60_000);
