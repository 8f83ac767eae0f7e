import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Requests } from './requests.ts';

const { signal } = new AbortController();
const request = (plugin: string) => ({
  plugin,
  version: '1.0.0',
  reason: 'request' as const,
  permissions: { 'storage.read': ['true'] },
});

beforeEach(() => {
  vi.useFakeTimers();
  // What has changed is drawn later.
  vi.stubGlobal('document', { hidden: true });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('an answer that is pressed twice answers one request, and the next one stays', async () => {
  const requests = new Requests();
  const answers = ['test.a', 'test.b'].map((plugin) => requests.ask(request(plugin), { signal }));
  const { first } = requests;
  first?.answer(true);
  first?.answer(true);
  expect(requests.first?.request.plugin).toBe('test.b');
  requests.first?.answer(false);
  expect(await Promise.all(answers)).toEqual([true, false]);
  expect(requests.first).toBeUndefined();
});
