/** The order of extensions: what one requires, then `before` and `after`, else as they were given. */
import { type AnyExtension, defineExtension } from '@plinth/kernel/extension';
import { describe, expect, it } from 'vitest';
import { orderExtensions } from '../../kernel/src/extension/order.ts';

const plain = (name: string, more: object = {}) =>
  defineExtension({ name, uses: [], ...more }, () => ({ install: () => name }));
const names = (...all: readonly AnyExtension[]) =>
  orderExtensions(all).map(({ statics }) => statics.name);

describe('orderExtensions()', () => {
  const [a, b] = [plain('a'), plain('b')];
  const c = plain('c', { requires: [a], before: ['b'] });

  it('keeps the given order where nothing else is said', () => {
    expect(names(b(), a())).toEqual(['b', 'a']);
  });

  it('puts what is required first, then looks at before and after', () => {
    expect(names(b(), c(), a())).toEqual(['a', 'c', 'b']);
    expect(names(a(), b(), plain('d', { before: ['missing', 'a'] })())).toEqual(['d', 'a', 'b']);
    expect(names(plain('e', { after: ['b'] })(), a(), b())).toEqual(['b', 'e', 'a']);
  });

  it('names the path of a circle', () => {
    const [x, y] = [plain('x', { before: ['y'] }), plain('y', { before: ['x'] })];
    expect(() => names(x(), y())).toThrow(
      expect.objectContaining({
        code: 'extension/cycle',
        message: expect.stringMatching(/x → y → x/),
      }),
    );
  });
});
