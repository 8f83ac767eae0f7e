/**
 * Code created at run time: it may run where plugins may create some, but never beyond the wall,
 * and it loads nothing.
 */
import { type AttackClass, reaching } from './attack.ts';

/** Passes a text to every available compiler. */
const everywhere = (text: string) => `
  const text = ${text};
  for (const run of [() => (0, eval)(text), () => Function('return ' + text)(), () => new Function('return ' + text)(), () => (() => {}).constructor('return ' + text)(), () => (async () => {}).constructor('return ' + text)(), () => Reflect.apply(eval, undefined, [text])]) {
    const module = await attempt(run);
    const net = module?.connect ? module : module?.default;
    if (net?.connect) await attempt(() => speak(net.connect));
  }
  found((() => {}).constructor);`;

export const dynamicCode: AttackClass = [
  'dynamic code',
  [
    reaching(
      'an indirect eval of this',
      "found((0, eval)('this'), (0, eval)('(function () { return this; })()'), (() => {}).constructor);",
    ),
    reaching('a direct eval', "found(eval('this'), eval('(() => {}).constructor'));"),
    reaching(
      'Function with this',
      "found(Function('return this')(), Function, Function.prototype.constructor, (() => {}).constructor);",
    ),
    reaching(
      'a function whose parameters close it',
      `for (const [a, b] of [['a) { return this; } (', ''], ['', '}); (function () { return this; }'], ['/*', '*/){ return this; }']]) try { found(Function(a, b)()); } catch {} found((() => {}).constructor);`,
    ),
    reaching(
      'a timer with a text',
      `try { setTimeout("globalThis.owned = (() => {}).constructor", 0); } catch (error) { found(error); } try { setInterval("1", 0); } catch (error) { found(error); } found((() => {}).constructor);`,
    ),
    reaching('import() in a text', everywhere(`"import('node:net')"`)),
    reaching('import() behind a comment', everywhere(`"import/**/('node:net')"`)),
    reaching('import() behind a line comment', everywhere(`"import//\\n('node:net')"`)),
    reaching(
      'import() behind white space of every kind',
      `for (const space of [' ', '\\n', '\\u2028', '\\u00a0', '\\ufeff', '\\u3000', '\\v']) { ${everywhere(`'import' + space + "('node:net')"`)} }`,
    ),
    reaching(
      'import() spread, in a template and in a default value',
      `for (const form of ["[...[import('node:net')]][0]", "\`\${globalThis.loaded = import('node:net')}\` && loaded", "((a = import('node:net')) => a)()", "({ a: import('node:net') }).a"]) { ${everywhere('form')} }`,
    ),
    reaching('import() behind an HTML-like comment', everywhere(`"import<!--\\n('node:net')"`)),
    reaching(
      'import() after a text that looks like a property',
      everywhere(`"(1., import('node:net'))"`),
    ),
    reaching('import.source', everywhere(`"import.source('node:net')"`)),
    reaching(
      'import.source with a comment in between',
      everywhere(`"import/**/./**/source('node:net')"`),
    ),
    reaching('import.defer', everywhere(`"import.defer('node:net')"`)),
    reaching('import.meta', everywhere(`"import.meta"`)),
    reaching(
      'import() of code in a data URL',
      `for (const run of [(text) => (0, eval)(text), (text) => (() => {}).constructor('return ' + text)()]) { const module = await attempt(() => run("import('data:text/javascript,export default globalThis; export const make = (() => {}).constructor')")); found(module?.default, module?.make); } found((() => {}).constructor);`,
    ),
    reaching(
      'import() written in the bundle',
      // A literal is refused before the code is loaded, in every isolation.
      "const name = 'node:net'; const net = await import(name); await speak(net.connect); found((() => {}).constructor);",
      {
        only: ['node', 'a page has no such module'],
      },
    ),
    reaching(
      'import() written in the bundle, of a URL',
      "await import(/* @vite-ignore */ at + '/module.js');",
      { only: ['browser', 'Node loads nothing over HTTP'] },
    ),
    reaching(
      'a name for the source that breaks its comment',
      `for (const text of ['1 //# sourceURL=x\\n; this', '//# sourceMappingURL=' + at + '/map\\n this']) try { found((0, eval)(text)); } catch {} found((() => {}).constructor);`,
    ),
    reaching(
      'WebAssembly, whose imports are functions of the realm',
      `const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]); const W = globalThis.WebAssembly; if (W) { const module = await W.compile(bytes); found(module, module.constructor.constructor, W); } found((() => {}).constructor);`,
    ),
    reaching(
      'strict mode, left by a text',
      `for (const text of ['with ({}) { (function () { return this; })() }', '(function () { return this; })()', 'var owned = 1; this', 'delete globalThis; globalThis']) try { found((0, eval)(text), Function(text)()); } catch {} found((() => {}).constructor);`,
    ),
  ],
];
