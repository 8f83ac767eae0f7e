/**
 * Bundles whose default export must be the same as a module and as a functor. Imports nothing,
 * because a child process reads it too.
 */
/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are code. */

/** The observable parts of an export, as text; functions are called. */
export async function shown(value: unknown, depth = 0): Promise<string> {
  if (depth > 6) return '…';
  const inner = (one: unknown) => shown(one, depth + 1);
  if (typeof value === 'function') {
    // The functor gives an unnamed export another name.
    const name = /^(?:default|\$default\$*)?$/.test(value.name) ? 'default' : value.name;
    const isClass = /^class\b/.test(Function.prototype.toString.call(value));
    const statics = isClass ? await inner({ ...value }) : '';
    const result = isClass ? new (value as new () => unknown)() : (value as () => unknown)();
    return `${isClass ? 'class' : 'function'} ${name} ${statics} ${await inner(result)}`;
  }
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  if (value instanceof Promise) return `promise ${await inner(await value)}`;
  if (value instanceof RegExp) return `pattern ${value.flags}`;
  if (Symbol.asyncIterator in value) {
    const items: unknown[] = [];
    for await (const item of value as AsyncIterable<unknown>) items.push(item);
    return `async items ${await inner(items)}`;
  }
  if (!Array.isArray(value) && typeof (value as { next?: unknown }).next === 'function')
    return `items ${await inner([...(value as Iterable<unknown>)])}`;
  const parts: string[] = [];
  for (const [key, item] of Object.entries(value)) parts.push(`${key}: ${await inner(item)}`);
  return Array.isArray(value) ? `[${parts.join()}]` : `{${parts.join()}}`;
}

/** Texts that would be code elsewhere. */
const SPELLINGS = [
  'import(',
  'import (x)',
  'import.meta',
  'import /*',
  'import//',
  'eval(',
  'eval (x)',
  '<!--',
  '-->',
  'export default 1',
  '(?<!--)',
  '...import(',
  '\\import(',
  '$import(',
];
const literals = SPELLINGS.flatMap((text): [string, string][] => {
  const single = text.replaceAll('\\', '\\\\');
  return [
    [
      `'${text}' in a string`,
      `export default ['${single}', "${single}", '\\\n${single}', { '${single}': 1 }];`,
    ],
    [
      `'${text}' in a template`,
      `const x = 1; export default [\`${single}\`, \`\${x}${single}\`, \`${single}\${x}${single}\${x}${single}\`, \`\${\`\${\`${single}\`}\`}\`];`,
    ],
    [
      `'${text}' in comments`,
      `// ${text}\nconst a = 1 /* ${text.replaceAll('*/', '')} */ + 2 // ${text}\n/* ${text}\n ${text} */\nexport /* ${text} */ default /* ${text} */ a // ${text}`,
    ],
  ];
});

export const same: readonly (readonly [what: string, code: string])[] = [
  ['an object', 'export default { a: 1, b: { c: [2] } };'],
  ['an object without a semicolon', 'export default { a: 1 }'],
  ['a number', 'export default 1'],
  ['an array right behind', 'export default[1,2]'],
  ['a string right behind', 'export default"a"'],
  ['a template right behind', 'export default`a`'],
  ['a pattern right behind', 'export default/[/"]/.test("/")'],
  ['a name', 'const a = { b: 1 };\nexport default a;\n'],
  ['a call', 'const definePlugin = (one) => ({ one }); export default definePlugin({ a: 1 });'],
  ['a class with a name', 'export default class A { static s = 1; b = 2 }'],
  [
    'a class used before',
    'const make = () => new A(); export default class A { b = 2 } A.made = make();',
  ],
  ['a class without a name', 'export default class { b = 1 }'],
  ['a class that extends', 'class B { b = 1 } export default class extends B { c = 2 }'],
  [
    'a class that extends an expression',
    'export default class extends class { a = {}.x ?? 1 } { c = 2 }',
  ],
  [
    'a class with a name that extends',
    'class B { b = 1 } export default class C extends B { c = C.name }',
  ],
  ['a class whose name is an escape', 'export default class \\u0041B { b = AB.name }'],
  ['a class whose name is of other letters', 'export default class Ä$_1 { b = Ä$_1.name }'],
  ['a function with a name', 'export default function f() { return f.name }'],
  [
    'a function used before',
    'const early = typeof f(); export default function f() { return [f.name] } f.early = early',
  ],
  ['a function without a name', 'export default function () { return 1 }'],
  ['a function without spaces', 'export default function(){return 1}'],
  ['a function with comments', 'export/**/default/* a */function/* b */(/* c */)/**/{ return 1 }'],
  ['a function over lines', 'export\ndefault\nfunction\nf\n(\n)\n{ return 1 }'],
  ['an async function', 'export default async function () { return 1 }'],
  ['an async function with a name', 'export default async function f() { return f.name }'],
  ['a generator', 'export default function* () { yield 1 }'],
  ['a generator with a name', 'export default function *g() { yield g.name }'],
  ['an async generator', 'export default async function*() { yield 1 }'],
  ['an async generator with a name', 'export default async function * g() { yield g.name }'],
  ['an arrow', 'export default () => ({ a: 1 })'],
  ['an async arrow', 'export default async () => 1'],
  ['an async arrow with a parameter', 'export default async x => x'],
  ['a name that begins with async', 'const asynchronous = 1; export default asynchronous'],
  ['a function in brackets', 'export default (function () { return 1 })'],
  ['a function called at once', 'export default (() => ({ a: 1 }))()'],
  ['a sequence in brackets', 'export default (1, 2)'],
  ['an awaited value', 'const a = await Promise.resolve({ b: 1 });\nexport default await a'],
  [
    'for await',
    'const list = []; for await (const one of [Promise.resolve(1)]) list.push(one); export default list',
  ],
  [
    'code after a function without a name',
    'const a = []; export default function () { return a }\n(() => a.push(1))()',
  ],
  [
    'code on the same line',
    'const a = []; export default function () { return a } a.push(1); [2].forEach((n) => a.push(n))',
  ],
  [
    'code after a class without a name',
    'const a = []; export default class { a = a }\n[3].forEach((n) => a.push(n))',
  ],
  [
    'a pattern after a class without a name',
    'let a; export default class { a = a } /"/.test(a = "\\"")',
  ],
  ['a template after a function without a name', 'export default function () { return 1 }\n`a`'],
  ['other code after it', 'const a = { b: 1 }; export default a; a.b = 2;'],
  ['a value that changes later', 'export default function f() { return 1 } f = () => 2;'],
  ['a name that changes later', 'let a = 1; export default a; a = 2;'],
  ['a binding that changes later', 'let a = 1; export { a as default }; a = 2;'],
  ['a list', 'const a = { b: 1 }; export { a as default };'],
  ['a list without spaces', 'const a={b:1};export{a as default}'],
  ['a list before', 'export { a as default }\nconst a = 1'],
  ['a list of many', 'const a = 1, b = 2, c = 3; export { b, a as default, c as d, };'],
  ['a list with a text', 'const a = 1, b = 2; export { b as "some thing", a as "default" }'],
  [
    'a list with comments',
    'const a = 1; export /* } */ { /* } */ a /* as b */ as // }\n default /**/ }',
  ],
  [
    'a list of odd names',
    'const as = 1, from = 2, of = 3; export { as, from, of as get, as as default }',
  ],
  ['a list of as alone', 'const as = 1; export { as }\nexport default [as]'],
  ['an empty list', 'export {}\nexport default 1\nexport {};'],
  [
    'a list, and brackets in the next line',
    'const a = () => 1\nexport { a }\n(() => 2)()\nexport default [a()]',
  ],
  [
    'a list, and an array in the next line',
    'const a = [5, 6]\nexport { a }\n[1].concat()\nexport default a',
  ],
  ['a list, and a template in the next line', 'const a = () => 1\nexport { a as default }\n`x`'],
  ['a list behind a name', 'let a\na = 1\nexport{a}\n/b/.test("")\nexport default a'],
  [
    'other exports',
    'export const a = 1; export let b = 2, c; export var d = 4; export function e() {} export class F {} export async function g() {} export const { h, i: [j] } = { h: 1, i: [2] }; export default [a, b, c, d, h, j, typeof e, typeof F, typeof g]',
  ],
  [
    'other exports over lines',
    'export\nconst a = 1\nexport // const\nfunction b() { return a }\nexport default b()',
  ],
  ['only other exports', 'export const a = 1'],
  ['nothing', 'const a = 1'],
  ['a hashbang', '#!/usr/bin/env node import( -->\nexport default 1'],
  ['a mark of byte order', '\uFEFFexport default 1'],
  [
    'line ends of every kind',
    'const a = 1\r\nconst b = 2\rconst c = 3\u2028const d = 4\u2029export default [a, b, c, d]',
  ],
  ['no line end after a comment', 'export default 1 // done'],
  ['a statement that a line end begins', 'let a = 1\nlet b = a\n++b\nexport default [a, b]'],
  [
    'a return that a comment ends',
    'const f = () => { return /* import(\n */ 1 }; export default [f()]',
  ],
  [
    'a return that a comment does not end',
    'const f = () => { return /* import( */ 1 }; export default [f()]',
  ],
  ['this', 'export default [this === undefined, (() => this === undefined)()]'],
  ['strict code', 'export default (function () { return this === undefined })()'],
  [
    'names that the functor might use',
    'const $exports = 1, $exports$ = 2, $default = 3; export default function () { return [$exports, $exports$, $default] }',
  ],
  [
    'a decrement and a comparison',
    'let a = 5, n = 0; while (a --> 0) n++; let b = 5; while (b-->0) n++; export default [a, b, n]',
  ],
  ['a decrement and other signs', 'let a = 9; export default [a-->=9, a-->>1, a-->>>1, a --> 1]'],
  ['a comparison with not', 'let y = 1, x = -2; export default [x<!y, 1<<!y, x<! --y]'],
  [
    'divisions',
    'const a = 8, b = 2, g = 1; export default [a / b / g, a/b/g, (a)/b/g, [a][0]/b/g, (a) / 2]',
  ],
  [
    'divisions behind names that are keywords elsewhere',
    'const o = { default: 8, return: 4, case: 2, typeof: 1 }; export default [o.default / 2, "a/b", o.return / 2, o . case / 2, o?.typeof / 1, "// import("]',
  ],
  [
    'patterns',
    'const s = "a/b"; if (s) /"/.test(s); export default [/[/]/.test(s), s.split(/\\//g), !/`/.test(s), [/\'/.test(s)], ((x) => /"/.test(x))(s)]',
  ],
  [
    'patterns with what would be code',
    'export default [/import(?=x)/.test("importx"), /<!--/.test("<!--"), /-->/.test("-->"), /(?<!--)a/.test("--a"), /(?<!--)a/.test("a"), /[<!--a]/.test("-"), /eval(x)/.test("evalx"), /import/.test("import"), /[-->]/.test("=")]',
  ],
  [
    'patterns of the newest kind',
    'export default [/[\\p{L}--[a-z]]/v.test("a"), /(?<import>a)/.exec("a").groups.import, /[import\\(]/v.test("(")]',
  ],
  [
    'templates in templates',
    'const a = 1; export default `${`}${`${{ b: `import(${a})` }.b}`}`}{`',
  ],
  [
    'tagged templates',
    'const t = (s, ...v) => [s.join("|"), ...v]; export default t`a${1}import(${{ a: 2 }.a}-->`',
  ],
  [
    'a member called import',
    'const o = { import: 1, export: 2, default: 3 }; export default [o.import, o?.export, o.default, o . import, o\n.\nimport]',
  ],
  [
    'a method called import',
    'const o = { import(a) { return a }, export(a) { return a }, default(a) { return a } }; export default [o.import(1), o.export(2), o.default(3), o. import (4), o?.import(5), o\n.import\n(6), o./**/import(7)]',
  ],
  [
    'a method called eval',
    'class N { eval(a = (1, 2), { b } = {}) { return [a, b] } } const n = new N(); export default [n.eval(), n . eval (3), n?. eval(4), { eval: 1 }.eval]',
  ],
  [
    'members of a class called import, export, default and eval',
    'class A { static import() { return 1 } async export() { return 2 } get default() { return 3 } *eval() { yield 4 } } export default [A.import(), new A().export(), new A().default, [...new A().eval()]]',
  ],
  [
    'private members',
    'class A { #import(a) { return a } #eval (a) { return a } static #export = 3; go() { return [this.#import(1), this.#eval(2), this. #import (4), A.#export] } } export default new A().go()',
  ],
  [
    'names that end in them',
    'const $import = (a) => a, $eval = (a) => a, _eval = (a) => a, ünimport = (a) => a, _import = { a: 5 }, $import2 = 1; export default [$import(1), $eval (2), _eval(3), ünimport (4), _import.a, $import.name]',
  ],
  [
    'scope.$eval',
    'const scope = { $eval: (a) => a, $import: (a) => a }; export default [scope.$eval(1), scope.$import(2), scope["eval"]]',
  ],
  [
    'comments that end in them',
    '// lazy import\n// and eval\n(() => 1)();\n/* import */(() => 1)();\nlet a = [1] // import\n.concat(2) // eval\nexport default a',
  ],
  ['comments in place of spaces', 'const/**/a/**/=/**/1;export/**/default/**/a/**/;'],
  [
    'fields called import and export',
    'class A { import = 1; export = 2; static import; static eval = 3 } class B { import } class C { export } export default [new A(), A.eval, "import" in new B(), "export" in new C()]',
  ],
  [
    'labels',
    'let n = 0; outer: for (;;) { for (;;) { n++; break outer } } { label: { break label } } export default n',
  ],
  ['escapes in names', 'const \\u0061b = 1; export default { \\u{63}: ab }'],
  [
    'a switch, and blocks',
    'let n = 0; switch (1) { case 1: { n = 1 } default: { n += 1 } } { n += 1 } export default n',
  ],
  ['text like a functor', 'export default "}); (async ($exports) => {"'],
  [
    'a name that would be undone',
    'const exports = 1, module = 2, arguments_ = 3; export default [exports, module, arguments_]',
  ],
  ...literals,
];

/** Texts that can't be a plugin's bundle, and what the error says. */
export const refused: readonly (readonly [code: string, what: string])[] = [
  ["import 'x'; export default 1", "it imports 'x'"],
  ['import "node:fs"', 'it imports "node:fs"'],
  ["import a from 'x'", "it imports 'x'"],
  ["import*as a from'x'", "it imports 'x'"],
  ["import { a, b as c } from 'x' with { type: 'json' }", "it imports 'x'"],
  ["import a, { b } from\n'./x.js'", "it imports './x.js'"],
  ["import /* import 'y' */ a from 'x'", "it imports 'x'"],
  ["import defer * as a from 'x'", "it imports 'x'"],
  ["import source a from 'x'", "it imports 'x'"],
  ["export * from 'x'", "it re-exports 'x'"],
  ["export * as a from 'x'", "it re-exports 'x'"],
  ["export*from'x'", "it re-exports 'x'"],
  ["export { a } from 'x'", "it re-exports 'x'"],
  ["export { default } from 'x'", "it re-exports 'x'"],
  ["export{a as default}from'x'", "it re-exports 'x'"],
  ["export {} from 'x'", "it re-exports 'x'"],
  ["export default () => import('x')", "it calls import('x')"],
  ["const a = [...import('x')]", "it calls import('x')"],
  ["import /* a */ ('x')", "it calls import('x')"],
  ["import// a\n('x')", "it calls import('x')"],
  [`import ${'/**/'.repeat(70)} ('x')`, "it calls import('x')"],
  ["`${import('x')}`", "it calls import('x')"],
  ["`${`${{ a: import('x') }}`}`", "it calls import('x')"],
  ["a ? import('x') : 1", "it calls import('x')"],
  ['export default import.meta.url', 'it uses import.meta'],
  ['import . meta', 'it uses import.meta'],
  ["import.source('x')", 'it uses import.source'],
  ["import.defer('x')", 'it uses import.defer'],
];
