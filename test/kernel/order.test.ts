/** The order of middleware: as it was registered, unless one layer says where it stands. */
import { describe, expect, it } from 'vitest';
import { order, placeOf } from '../../kernel/src/middleware/order.ts';

const layer = (
  name: string,
  {
    pattern = '*',
    before = [],
    after = [],
    owner = name,
  }: Partial<Parameters<typeof order>[0][0]> = {},
) => ({ name, owner, pattern, before, after });
const names = (...layers: Parameters<typeof order>[0][number][]) =>
  order(layers).map(({ name }) => name);

describe('order()', () => {
  it('keeps layers as they came when none says anything', () => {
    expect(names(layer('c'), layer('a'), layer('b'))).toEqual(['c', 'a', 'b']);
  });

  it('puts a layer before and after others, by name and by owner', () => {
    expect(names(layer('a'), layer('b', { before: ['a'] }))).toEqual(['b', 'a']);
    expect(names(layer('a', { after: ['b'] }), layer('b'))).toEqual(['b', 'a']);
    expect(
      names(
        layer('a', { after: ['owner'] }),
        layer('x', { owner: 'owner' }),
        layer('y', { owner: 'owner' }),
      ),
    ).toEqual(['x', 'y', 'a']);
  });

  it('ignores names that are not there, and layers of targets that never meet', () => {
    expect(names(layer('a', { after: ['nowhere'] }), layer('b'))).toEqual(['a', 'b']);
    expect(
      names(layer('a', { pattern: 'x:*', after: ['b'] }), layer('b', { pattern: 'y:*' })),
    ).toEqual(['a', 'b']);
  });

  it('refuses a circle, with its path', () => {
    expect(() =>
      names(
        layer('a', { after: ['c'] }),
        layer('b', { after: ['a'] }),
        layer('c', { after: ['b'] }),
      ),
    ).toThrow(
      expect.objectContaining({
        code: 'middleware/cycle',
        details: { path: expect.arrayContaining(['a', 'b', 'c']) },
      }),
    );
  });

  it('takes the place of a plugin and of the host from their options', () => {
    expect(placeOf('test.a', { name: 'log', before: 'test.b' })).toEqual({
      name: 'test.a:log',
      before: ['test.b'],
      after: [],
    });
    expect(placeOf('host', { name: 'log' }).name).toBe('log');
    expect(placeOf('test.a').name).toBe('test.a');
  });
});
