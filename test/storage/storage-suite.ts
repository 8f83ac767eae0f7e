/** What every storage adapter guarantees: one suite, run over memory, files and IndexedDB. */
import type { StorageAdapter } from '@plinth/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';

/** Every kind of wire value; storage returns what it was given. */
export const WIRE_VALUES: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  true: () => true,
  zero: () => 0,
  'minus zero': () => -0,
  NaN: () => Number.NaN,
  Infinity: () => Number.POSITIVE_INFINITY,
  'minus Infinity': () => Number.NEGATIVE_INFINITY,
  bigint: () => -(2n ** 90n),
  'empty text': () => '',
  'text with NUL, emoji and a lone surrogate': () => 'a\0b 🦊 \ud800',
  'empty array': () => [],
  'nested arrays': () => [1, [2, [3]], 'x'],
  'undefined inside an object': () => ({ a: undefined, b: [undefined, 1] }),
  'names of Object.prototype as keys': () => ({ constructor: 1, toString: 2, hasOwnProperty: 3 }),
  Date: () => new Date(1_700_000_000_000),
  'invalid Date': () => new Date(Number.NaN),
  Map: () =>
    new Map<unknown, unknown>([
      ['a', 1],
      [2, new Map([['b', new Set([3])]])],
    ]),
  Set: () => new Set([1, 'a', Number.NaN]),
  RegExp: () => /a(?<name>b)+/giu,
  ArrayBuffer: () => new Uint8Array([1, 2, 3]).buffer,
  Uint8Array: () => new Uint8Array([0, 10, 255]),
  Int16Array: () => new Int16Array([-1, 2]),
  Float64Array: () => new Float64Array([0.5, -0, Number.NaN]),
  BigInt64Array: () => new BigInt64Array([-1n, 2n ** 62n]),
  DataView: () => new DataView(new Uint8Array([9, 8, 7]).buffer),
};

/** Keys that are difficult for a file system or a key range. */
const KEYS = [
  '.',
  '..',
  '/',
  '../../x',
  'a/b',
  'a\\b',
  'C:',
  'CON',
  ' ',
  'a ',
  'a.',
  '🦊',
  'é',
  'e\u0301',
  '\0',
  'a\0',
  'a',
  'A',
  '\uffff',
  'x'.repeat(512),
  'X'.repeat(512),
  '__proto__',
  'constructor',
  '\n',
  '%2e',
  '*',
];

/**
 * @param open opens storage; with a name, the storage of that name.
 * @param newName creates a name for storage that can be opened again; absent where data ends with
 * the adapter.
 */
export function storageSuite(
  name: string,
  open: (name?: string) => Promise<StorageAdapter>,
  newName?: () => Promise<string>,
): void {
  const opened = new Set<StorageAdapter>();
  const start = async (of?: string) => {
    const storage = await open(of);
    opened.add(storage);
    return storage;
  };
  afterEach(async () => {
    await Promise.all([...opened].map((storage) => storage.close()));
    opened.clear();
  });
  const increment = (current: unknown) => ((current as number | undefined) ?? 0) + 1;

  describe(`${name} storage`, () => {
    it('get() returns what was set last, and undefined for what was not', async () => {
      const storage = await start();
      await storage.set('a', 1);
      await storage.set('a', 2);
      expect([await storage.get('a'), await storage.get('b')]).toEqual([2, undefined]);
    });

    it('delete() returns whether the key existed', async () => {
      const storage = await start();
      await storage.set('a', 1);
      expect([await storage.delete('a'), await storage.delete('a')]).toEqual([true, false]);
      expect([await storage.get('a'), await storage.keys('')]).toEqual([undefined, []]);
    });

    it('delete() returns true to one of many concurrent calls', async () => {
      const storage = await start();
      await storage.set('a', 1);
      const answers = await Promise.all(Array.from({ length: 8 }, () => storage.delete('a')));
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    it('keys() and clear() respect their prefix', async () => {
      const storage = await start();
      for (const key of [
        'ab',
        'a',
        'b',
        'aé',
        'a\0c',
        'a\uffff',
        'a\uffff\uffff',
        'a\u{10ffff}',
        'A',
      ])
        await storage.set(key, key);
      const below = ['a', 'a\0c', 'ab', 'aé', 'a\uffff', 'a\uffff\uffff', 'a\u{10ffff}'].sort();
      expect([...(await storage.keys('a'))].sort()).toEqual(below);
      expect(await storage.keys('nothing')).toEqual([]);
      await storage.clear('a');
      expect([...(await storage.keys(''))].sort()).toEqual(['A', 'b']);
      await storage.clear('');
      expect(await storage.keys('')).toEqual([]);
    });

    it('update() starts from undefined, and deletes when the change returns undefined', async () => {
      const storage = await start();
      await storage.update('a', increment);
      await storage.update('a', increment);
      expect(await storage.get('a')).toBe(2);
      await storage.update('a', () => undefined);
      expect([await storage.get('a'), await storage.keys('')]).toEqual([undefined, []]);
    });

    it('update() rejects with what the change throws, and changes nothing', async () => {
      const storage = await start();
      await storage.set('a', { n: 1 });
      const thrown = new Error('no');
      const change = (current: unknown) => {
        (current as { n: number }).n = 2;
        throw thrown;
      };
      expect(await rejection(storage.update('a', change))).toBe(thrown);
      expect(await storage.get('a')).toEqual({ n: 1 });
      await storage.update('a', () => 'still works');
      expect(await storage.get('a')).toBe('still works');
    });

    it('update() loses none of 200 concurrent changes of one key', async () => {
      const storage = await start();
      await Promise.all(Array.from({ length: 200 }, () => storage.update('n', increment)));
      expect(await storage.get('n')).toBe(200);
    });

    it('update() stores a change made in place', async () => {
      const storage = await start();
      await storage.set('list', [1]);
      await storage.update('list', (list) => {
        (list as number[]).push(2);
        return list;
      });
      expect(await storage.get('list')).toEqual([1, 2]);
    });

    it('update() distinguishes 0 from -0', async () => {
      const storage = await start();
      await storage.set('a', 0);
      await storage.update('a', () => -0);
      expect(await storage.get('a')).toBe(-0);
    });

    it('set(), delete() and update() of one key run in order', async () => {
      const storage = await start();
      await Promise.all([
        storage.set('a', 1),
        storage.update('a', increment),
        storage.delete('a'),
        storage.update('a', increment),
        storage.update('a', (n) => (n as number) * 10),
      ]);
      expect(await storage.get('a')).toBe(10);
    });

    it('returns copies: changing one changes nothing stored', async () => {
      const storage = await start();
      const value = { list: [1] };
      await storage.set('a', value);
      value.list.push(2);
      ((await storage.get('a')) as { list: number[] }).list.push(3);
      expect(await storage.get('a')).toEqual({ list: [1] });
    });

    it.each(Object.entries(WIRE_VALUES))('keeps %s unchanged', async (_, make) => {
      const storage = await start();
      await storage.set('value', make());
      expect(await storage.get('value')).toStrictEqual(make());
    });

    it('accepts any text as a key, and keeps all apart', async () => {
      const storage = await start();
      await Promise.all(KEYS.map((key, index) => storage.set(key, index)));
      expect([...(await storage.keys(''))].sort()).toEqual([...KEYS].sort());
      expect(await Promise.all(KEYS.map((key) => storage.get(key)))).toEqual(
        KEYS.map((_, index) => index),
      );
      expect(await Promise.all(KEYS.map((key) => storage.delete(key)))).toEqual(
        KEYS.map(() => true),
      );
    });

    it('keeps keys apart that are not well-formed Unicode', async () => {
      const storage = await start();
      const keys = ['\ud800', '\ud801', '\ufffd'];
      for (const key of keys) await storage.set(key, key);
      expect(await Promise.all(keys.map((key) => storage.get(key)))).toEqual(keys);
    });

    it.each([1, 1_000, 65_536, 1_000_000])('keeps values of %i bytes', async (size) => {
      const storage = await start();
      const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 31) & 255);
      await storage.set('bytes', bytes);
      await storage.set('text', 'ü'.repeat(size));
      const read = (await storage.get('bytes')) as Uint8Array;
      expect(read.length).toBe(size);
      expect(read.every((byte, index) => byte === ((index * 31) & 255))).toBe(true);
      expect((await storage.get('text')) === 'ü'.repeat(size)).toBe(true);
    });

    it('set() of a value that cannot be stored rejects, and the old one stays', async () => {
      const storage = await start();
      await storage.set('a', 1);
      await rejection(storage.set('a', () => 1));
      await rejection(storage.update('a', () => () => 1));
      expect(await storage.get('a')).toBe(1);
    });

    it('close() may be called twice', async () => {
      const storage = await start();
      await storage.close();
      await storage.close();
    });

    if (newName === undefined) return;

    it('opened again it has all its data', async () => {
      const of = await newName();
      const first = await start(of);
      await Promise.all(KEYS.map((key) => first.set(key, key)));
      for (const [key, make] of Object.entries(WIRE_VALUES))
        await first.set(`value ${key}`, make());
      await first.delete('a');
      await first.close();
      const second = await start(of);
      expect(await second.get('a')).toBeUndefined();
      const kept = KEYS.filter((key) => key !== 'a');
      expect(await Promise.all(kept.map((key) => second.get(key)))).toEqual(kept);
      for (const [key, make] of Object.entries(WIRE_VALUES))
        expect(await second.get(`value ${key}`)).toStrictEqual(make());
    });

    it('opened twice under one name it is one storage', async () => {
      const of = await newName();
      const [first, second] = await Promise.all([start(of), start(of)]);
      await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          (index % 2 === 0 ? first : second).update('n', increment),
        ),
      );
      expect([await first.get('n'), await second.get('n')]).toEqual([100, 100]);
      await first.close();
      await second.update('n', increment);
      expect(await second.get('n')).toBe(101);
    });

    it('can be opened while it closes', async () => {
      const of = await newName();
      let storage = await start(of);
      for (let round = 1; round <= 20; round++) {
        await storage.set('a', round);
        const closing = storage.close();
        storage = await start(of);
        await closing;
        expect(await storage.get('a')).toBe(round);
      }
    });

    it('refuses to write after close()', async () => {
      const storage = await start(await newName());
      await storage.close();
      expect((await rejection(storage.set('a', 1))).code).toMatch(/^storage\//);
    });
  });
}
