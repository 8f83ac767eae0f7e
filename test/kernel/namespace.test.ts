/** A plugin's own part of the storage: its keys, its quota, and what it can't reach. */
import { describe, expect, it } from 'vitest';
import type { StorageAdapter } from '../../kernel/src/host.ts';
import { memoryStorage } from '../../kernel/src/storage/memory-storage.ts';
import { MAX_KEY, StorageNamespace } from '../../kernel/src/storage/namespace.ts';

const of = (
  adapter: StorageAdapter,
  { tenant = 't', plugin = 'test.a', quota = 1_000_000, keys = 1_000 } = {},
) => new StorageNamespace(adapter, tenant, plugin, { quota, keys });

describe('the storage of a plugin', () => {
  it('takes keys of 1 to 512 characters of any kind, and refuses others with a code', async () => {
    const storage = of(memoryStorage());
    for (const key of ['a', '__proto__', 'a/../b', 'a\0b', '😀', 'k'.repeat(MAX_KEY)]) {
      await storage.set(key, key);
      expect(await storage.get(key)).toBe(key);
    }
    const refused = expect.objectContaining({ code: 'storage/invalid-key', plugin: 'test.a' });
    for (const key of ['', 'k'.repeat(MAX_KEY + 1), 1, null, undefined, ['a']] as string[])
      for (const use of [
        () => storage.get(key),
        () => storage.set(key, 1),
        () => storage.delete(key),
        () => storage.has(key),
      ])
        await expect(use(), String(key)).rejects.toThrow(refused);
  });

  it('lists its keys in order, by a prefix, without those of others', async () => {
    const adapter = memoryStorage();
    const storage = of(adapter);
    for (const key of ['b', 'a/2', 'a/1']) await storage.set(key, 1);
    await of(adapter, { plugin: 'test.ab' }).set('a/3', 1);
    await of(adapter, { tenant: 't2' }).set('a/4', 1);
    expect(await storage.keys()).toEqual(['a/1', 'a/2', 'b']);
    expect(await storage.keys('a/')).toEqual(['a/1', 'a/2']);
    expect(await storage.keys('c')).toEqual([]);
  });

  it('clears only what is its own', async () => {
    const adapter = memoryStorage();
    const others = [of(adapter, { plugin: 'test.ab' }), of(adapter, { tenant: 't2' })];
    for (const one of [of(adapter), ...others]) await one.set('key', 1);
    await of(adapter).clear();
    expect(await of(adapter).has('key')).toBe(false);
    for (const one of others) expect(await one.has('key')).toBe(true);
  });

  it('refuses undefined, and keeps null and an error', async () => {
    const storage = of(memoryStorage());
    await expect(storage.set('key', undefined)).rejects.toMatchObject({ code: 'value/invalid' });
    expect(await storage.has('key')).toBe(false);
    await storage.set('key', null);
    expect(await storage.has('key')).toBe(true);
    await storage.set('key', new RangeError('no'));
    expect(await storage.get('key')).toMatchObject({ name: 'RangeError', message: 'no' });
  });

  it('swaps a value only while its revision is the one that was read', async () => {
    const storage = of(memoryStorage());
    const { revision: none } = await storage.read('key');
    expect(await storage.swap('key', 1, none)).toBe(true);
    expect(await storage.swap('key', 2, none)).toBe(false);
    const { revision, value } = await storage.read('key');
    expect(value).toBe(1);
    await storage.set('key', 1);
    expect(await storage.swap('key', 3, revision)).toBe(false);
    expect(await storage.get('key')).toBe(1);
  });

  it('counts a write once, and answers for its last attempt, when another process was faster', async () => {
    const kept = memoryStorage();
    // A storage that processes share: another one writes after the first attempt.
    let meanwhile: (() => Promise<void>) | undefined;
    const shared: StorageAdapter = {
      ...kept,
      async update(key, change) {
        if (meanwhile !== undefined) change(await kept.get(key));
        await meanwhile?.();
        meanwhile = undefined;
        await kept.update(key, change);
      },
    };
    const storage = of(shared, { quota: 3_000 });
    const other = of(kept);
    const { revision } = await storage.read('key');
    meanwhile = () => other.set('key', 'theirs');
    expect(await storage.swap('key', 'mine', revision)).toBe(false);
    expect(await storage.get('key')).toBe('theirs');
    meanwhile = () => other.set('key', 'theirs again');
    await storage.set('key', 'x'.repeat(1_000));
    expect(await storage.get('key')).toBe('x'.repeat(1_000));
    expect((await storage.usage()).bytes).toBe((await of(kept).usage()).bytes);
  });

  it('ends at its number of keys, and lets known keys be written and others follow a deleted one', async () => {
    const storage = of(memoryStorage(), { keys: 2 });
    await storage.set('a', 1);
    await storage.set('b', 1);
    await expect(storage.set('c', 1)).rejects.toMatchObject({
      code: 'storage/quota',
      details: { key: 'c', keys: 2 },
    });
    await storage.set('a', 2);
    expect(await storage.delete('b')).toBe(true);
    expect(await storage.delete('b')).toBe(false);
    await storage.set('c', 1);
    expect(await storage.keys()).toEqual(['a', 'c']);
  });

  it('ends at its quota, keeps what was there, and lets a value become smaller', async () => {
    const adapter = memoryStorage();
    await of(adapter).set('key', 'x'.repeat(2_000));
    const storage = of(adapter, { quota: 1_000 });
    await expect(storage.set('key', 'y'.repeat(3_000))).rejects.toMatchObject({
      code: 'storage/quota',
      details: { quota: 1_000 },
    });
    expect(await storage.get('key')).toBe('x'.repeat(2_000));
    await storage.set('key', 'x'.repeat(1_500));
    await storage.set('key', 'small');
    await storage.set('other', 'small');
  });

  it('admits, of writes at the same time, only those that fit together', async () => {
    const storage = of(memoryStorage(), { quota: 1_000 });
    const written = await Promise.allSettled(
      ['a', 'b', 'c'].map((key) => storage.set(key, 'x'.repeat(300))),
    );
    const kept = written.filter(({ status }) => status === 'fulfilled').length;
    expect(kept).toBeLessThan(3);
    expect(await storage.keys()).toHaveLength(kept);
  });

  it('gives a failure of the adapter a code and the name of the plugin', async () => {
    const broken = { ...memoryStorage(), get: () => Promise.reject(new Error('disk')) };
    await expect(of(broken).get('key')).rejects.toMatchObject({
      code: 'storage/failed',
      plugin: 'test.a',
      message: expect.stringContaining('disk'),
    });
  });
});
