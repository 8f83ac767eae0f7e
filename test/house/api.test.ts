/** `api/` shows the public surface of each package as it is built. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { API_PACKAGES, apiFile, apiReport } from '../../scripts/api-report.ts';
import { readTypes } from '../../scripts/types-file.ts';

it.each(API_PACKAGES)('the report of %s is what is built', (name) => {
  expect(
    readFileSync(apiFile(name), 'utf8'),
    'The public surface has changed. Run `npm run api`, read the difference, and commit it with the change. ' +
      'If a user can see it, `npm run changeset` says so.',
  ).toBe(apiReport(name));
});

it('reads declarations without comments, private members and the ends of texts', () => {
  const { declarations, exports, stars, imports } = readTypes(
    'a.d.ts',
    `import type { A as B } from './a.js';
/** A comment; with { braces. */
export declare const text: "it's; // no comment";
export declare class C extends Map<{ a: 1 }, B> {
    #private;
    private readonly hidden;
    /** Shown. */
    shown(): void;
}
export declare function f(a: string): void;
export declare function f(a: number): void;
type Local = {
    a: 1;
} | {
    b: \`x;y\`;
};
export type { Local as Public, B };
export * from './more.js';
`,
  );
  expect(Object.fromEntries(declarations)).toEqual({
    text: [`declare const text: "it's; // no comment";`],
    C: ['declare class C extends Map<{ a: 1 }, B> {\n    shown(): void;\n}'],
    f: ['declare function f(a: string): void;', 'declare function f(a: number): void;'],
    Local: ['type Local = {\n    a: 1;\n} | {\n    b: `x;y`;\n};'],
  });
  expect([...exports.keys()]).toEqual(['text', 'C', 'f', 'Public', 'B']);
  expect(exports.get('Public')).toEqual({ from: undefined, name: 'Local' });
  expect(imports.get('B')).toEqual({ from: './a.js', name: 'A' });
  expect(stars).toEqual(['./more.js']);
  expect(() => readTypes('a.d.ts', 'export = 1;')).toThrow('not understood');
});
