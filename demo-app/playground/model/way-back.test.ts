import { expect, test } from 'vitest';
import { waysBack } from './way-back.ts';

const fact = (what: string, version?: string, from?: string, plugin = 'test.a') => ({
  topic: `plugin:${what}` as 'plugin:updated',
  plugin,
  facts: { version, from },
});
const updated = (version: string, from: string, plugin?: string) =>
  fact('updated', version, from, plugin);

test('an update leaves a way back, and going back takes it', () => {
  const ways = waysBack([updated('1.1.0', '1.0.0'), updated('1.2.0', '1.1.0')]);
  expect([...ways]).toEqual([['test.a@1.2.0', '1.1.0']]);
  const after = waysBack([
    updated('1.1.0', '1.0.0'),
    updated('1.2.0', '1.1.0'),
    fact('rolled-back', '1.1.0', '1.2.0'),
  ]);
  // The kernel keeps one way back: that to 1.0.0 went with the second update.
  expect([...after]).toEqual([]);
});

test('an uninstalled plugin has none, and others keep theirs', () => {
  const ways = waysBack([
    updated('2.0.0', '1.0.0'),
    updated('2.0.0', '1.0.0', 'test.ab'),
    fact('uninstalled'),
  ]);
  expect([...ways]).toEqual([['test.ab@2.0.0', '1.0.0']]);
});

test('entries without the facts of an update are left out', () => {
  expect(
    waysBack([fact('updated'), { ...updated('2.0.0', '1.0.0'), plugin: undefined }]).size,
  ).toBe(0);
});
