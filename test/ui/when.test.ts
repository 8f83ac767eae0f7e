/** When-clauses. */
import { type FactValue, parseWhen } from '@plinth/ui/host';
import { describe, expect, it } from 'vitest';

const facts: Readonly<Record<string, FactValue>> = {
  mode: 'edit',
  'list.count': 3,
  busy: false,
  'com.example.notes.dirty': true,
  quote: "it's",
};
const holds = (clause: string) =>
  parseWhen(clause)((name) => (Object.hasOwn(facts, name) ? facts[name] : undefined));

describe('a when-clause', () => {
  it.each([
    ["mode == 'edit'", true],
    ["mode != 'edit'", false],
    ['list.count > 2 && !busy', true],
    ['list.count >= 3 && list.count <= 3 && list.count < 4', true],
    ['busy || com.example.notes.dirty', true],
    ['!(busy || com.example.notes.dirty)', false],
    ["busy && mode == 'edit' || list.count == 3", true],
    ['unknown', false],
    ['unknown == null', true],
    ['unknown != null', false],
    ['list.count > -1', true],
    ["list.count < 'x'", false],
    ["quote == 'it\\'s'", true],
    ['true && !false', true],
    ["  mode=='edit'  ", true],
    ["toString == 'x' || constructor", false],
  ])('%s is %s', (clause, expected) => {
    expect(holds(clause)).toBe(expected);
  });

  it.each([
    'a &&',
    '',
    '(a',
    'a)',
    'a b',
    '== 1',
    "__proto__ == 'x'",
    "constructor.constructor('x')()",
    'a = 1',
    "'open",
    '`a`',
    '!'.repeat(100),
    `${'('.repeat(100)}a${')'.repeat(100)}`,
    'a'.repeat(600),
  ])('is refused: %s', (clause) => {
    expect(() => parseWhen(clause)).toThrow(SyntaxError);
  });

  it('takes no longer for a hostile one', () => {
    const before = performance.now();
    for (const clause of [
      `'${'\\'.repeat(510)}`,
      ' '.repeat(511),
      `${'1'.repeat(500)}x`,
      '- '.repeat(255),
    ])
      expect(() => parseWhen(clause)).toThrow(SyntaxError);
    expect(performance.now() - before).toBeLessThan(1_000);
  });
});
