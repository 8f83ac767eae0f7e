/** Patterns that are matched in linear time: they agree with the runtime's, or are refused. */
import { describe, expect, it } from 'vitest';
import {
  LinearPattern,
  MAX_PATTERN,
  PatternProblem,
  PatternRoom,
} from '../../kernel/src/schema/pattern.ts';
import { Steps, TooManySteps } from '../../kernel/src/schema/steps.ts';

const matches = (source: string, text: string, limit = 1_000_000) =>
  new LinearPattern(source).test(text, new Steps(limit));

describe('a linear pattern', () => {
  const AGREES: readonly (readonly [source: string, texts: readonly string[]])[] = [
    ['', ['', 'a']],
    ['^$', ['', ' ', '\n']],
    ['b', ['abc', 'ac', '']],
    ['^a.c$', ['abc', 'a\nc', 'a😀c', 'abbc']],
    ['^(?:ab|a|)$', ['', 'a', 'ab', 'abb']],
    ['^a{2,3}$', ['a', 'aa', 'aaa', 'aaaa']],
    ['^a{2,}b*c+?$', ['aac', 'ac', 'aaabbcc', 'aab']],
    ['^(a|b(c|d){2})*$', ['', 'abcd', 'abc', 'bdcbcd']],
    ['^[^a-c\\]]+$', ['xyz', 'xay', 'x]y', '']],
    ['\\bcat\\b', ['a cat.', 'concat', 'cat', 'cat_']],
    ['\\Ba\\B', ['bab', 'a', 'ba']],
    ['^\\p{Lu}\\p{Ll}*$', ['Émile', 'émile', 'Ω', 'A1']],
    ['^\\u{1F600}$', ['😀', '\ud83d', '😀😀']],
    ['^\\d\\.\\w\\/\\x41\\n$', ['1.a/A\n', '1xa/A\n']],
    ['^(?<year>\\d{4})-', ['2024-01', '24-01']],
    ['^.$', ['\ud83d', '😀', 'ab']],
  ];
  it('decides like a regular expression of the runtime', () => {
    for (const [source, texts] of AGREES)
      for (const text of texts)
        expect(matches(source, text), `${source} on ${JSON.stringify(text)}`).toBe(
          new RegExp(source, 'u').test(text),
        );
  });

  it('is used again for other texts, without remembering the last one', () => {
    const pattern = new LinearPattern('^a+$');
    const steps = new Steps(1_000);
    expect(['aaa', 'ab', '', 'a'].map((text) => pattern.test(text, steps))).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  it('takes steps in proportion to the text where backtracking would never end', () => {
    for (const source of ['^(a+)+$', '^(a|a)*$', '^(?:a?){20}a{20}$', '(a+a+)+y'])
      expect(matches(source, `${'a'.repeat(5_000)}!`), source).toBe(false);
  });

  it('ends with the steps that it is given', () => {
    expect(() => matches('^a*$', 'a'.repeat(1_000), 100)).toThrow(TooManySteps);
  });

  const REFUSED: readonly (readonly [source: string, reason: string])[] = [
    ['(', 'is not a regular expression'],
    ['a{2,1}', 'is not a regular expression'],
    ['\\q', 'is not a regular expression'],
    ['(?=a)', 'looks ahead or behind'],
    ['a(?!b)', 'looks ahead or behind'],
    ['(?<=a)b', 'looks ahead or behind'],
    ['(a)\\1', 'refers back to a group'],
    ['(?<n>a)\\k<n>', 'refers back to a group'],
    ['(?:a{1000}){1000}', 'repeats too much'],
    ['(?:){99999}', 'repeats too much'],
    ['a'.repeat(MAX_PATTERN + 1), `is longer than ${MAX_PATTERN}`],
  ];
  it('is refused, with the reason, when it is none, looks around, refers back or is too large', () => {
    for (const [source, reason] of REFUSED) {
      const make = () => new LinearPattern(source);
      expect(make, source).toThrow(PatternProblem);
      expect(make, source).toThrow(reason);
    }
  });

  it('may be as long as the longest allowed one', () => {
    const longest = `^${'a'.repeat(MAX_PATTERN - 1)}`;
    expect(matches(longest, 'a'.repeat(MAX_PATTERN))).toBe(true);
    expect(matches(longest, 'a'.repeat(MAX_PATTERN - 2))).toBe(false);
  });
});

describe('the patterns of one schema', () => {
  it('share what may be built, so that many small ones are no way around the limit', () => {
    const room = new PatternRoom();
    const many = () => {
      for (let count = 0; count < 20; count++) new LinearPattern('a{1000}', room);
    };
    expect(many).toThrow('with the other patterns of its schema');
    expect(() => new LinearPattern('a{1000}')).not.toThrow();
  });
});
