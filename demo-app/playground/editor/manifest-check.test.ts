/** Problems of a manifest, at their lines. */
import { expect, it } from 'vitest';
import { Places, problemsOfManifest } from './manifest-check.ts';
import { TEMPLATES } from './templates.ts';

const text = TEMPLATES[0]?.manifest as string;
const changed = (from: string, to: string) => problemsOfManifest(text.replace(from, to));
const lineWith = (part: string) => text.slice(0, text.indexOf(part)).split('\n').length;

it('tells each at its value', () => {
  expect(changed('"1.0.0"', '"one"')).toMatchObject([{ line: lineWith('"version"') }]);
  expect(changed('"plinth.view@1"', '17')).toMatchObject([{ line: lineWith('"plinth.view@1"') }]);
  expect(changed('"main"', '"mian"').map(({ line }) => line)).toContain(lineWith('"main"'));
});

it('tells what is no JSON where it ends to be JSON', () => {
  expect(changed('"name":', '"name"')).toMatchObject([{ line: lineWith('"name"') }]);
  expect(problemsOfManifest('')).toHaveLength(1);
  expect(problemsOfManifest('{')).toHaveLength(1);
  expect(problemsOfManifest('[]')).not.toEqual([]);
});

it('finds the nearest value of a path that is not there', () => {
  expect(new Places('{"a": [1, {"b": 2}]}').of('a.1.b')).toBe(16);
  expect(new Places('{"a": [1, {"b": 2}]}').of('a.7.b')).toBe(6);
  expect(new Places('{"a": 1}').of('__proto__.x')).toBe(0);
  expect(new Places('').of('a')).toBe(0);
});
