/** `createTestContext`: the context of a plugin for unit tests, with the rules of the kernel. */
import { definePlugin } from '@plinth/sdk';
import { createTestContext } from '@plinth/sdk/testing';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { Notes, notes } from './notes.ts';

describe('createTestContext()', () => {
  it('is the context of a plugin, which the test activates', async () => {
    await using context = await createTestContext({
      plugin: notes,
      needs: { search: { find: (text) => [`${text}!`] } },
    });
    await notes.activate(context);
    expect(context.handlers).toEqual(['add', 'read', 'related', 'rate', 'remind']);
    const added = await context.invoke(Notes.add, { text: 'milk' });
    expectTypeOf(added.id).toEqualTypeOf<string>();
    expect(added.id).toBe('note-1');
    expect(await context.invoke('related', 'milk')).toEqual(['milk!']);
    expect(context.emitted).toMatchObject([
      { topic: 'com.example.notes:added', payload: { id: 'note-1' } },
    ]);
    await expect.poll(() => context.logs).toMatchObject([{ message: 'added' }]);
    expect(await context.stored()).toEqual({ 'note-1': 'milk' });
  });

  it('has the configuration of the plugin, with its types and defaults', async () => {
    await using context = await createTestContext({ plugin: notes });
    expectTypeOf(context.config.max).toEqualTypeOf<number>();
    expect(context.config).toEqual({ max: 100 });
    await using small = await createTestContext({ plugin: notes, config: { max: 0 } });
    await notes.activate(small);
    expect(await rejection(small.invoke(Notes.add, { text: 'milk' }))).toMatchObject({
      code: 'full',
      data: { max: 0 },
    });
    const wrong = createTestContext({ plugin: notes, config: { max: 'many' } as object });
    expect(await rejection(wrong)).toMatchObject({ code: 'config/invalid' });
  });

  it('has optional needs only when the test answers them', async () => {
    await using context = await createTestContext({ plugin: notes });
    expect(context.needs.search).toBeUndefined();
    await notes.activate(context);
    expect(await context.invoke('related', 'milk')).toEqual([]);
  });

  it('checks answers of needs by their contract', async () => {
    await using context = await createTestContext({
      plugin: notes,
      needs: { search: { find: () => [1] as unknown as string[] } },
    });
    expect(await rejection(context.needs.search?.find('milk') as Promise<unknown>)).toMatchObject({
      code: 'call/invalid-output',
    });
  });

  it('does without a plugin: a handler gets plain functions as needs', async () => {
    await using context = await createTestContext({
      config: { greeting: 'hi' },
      needs: { names: { first: (id: number) => `Ada ${id}` } },
      storage: { id: 1 },
      secrets: { token: 'secret-1' },
      fetch: { 'https://example.com/x': 'text' },
    });
    expectTypeOf(context.needs.names.first(1)).toEqualTypeOf<Promise<string>>();
    const { greeting } = context.config;
    expect(`${greeting} ${await context.needs.names.first(1)}`).toBe('hi Ada 1');
    expect(await context.storage.get('id')).toBe(1);
    expect(await context.secrets.get('token')).toBe('secret-1');
    expect(await (await context.fetch('https://example.com/x')).text()).toBe('text');
  });

  it('keeps values as the kernel does: copied, by valid keys, within the quota', async () => {
    await using context = await createTestContext({
      manifest: { permissions: { storage: { read: true, write: true, quota: 1_000 } } },
    });
    const value = { list: [1] };
    await context.storage.set('value', value);
    value.list.push(2);
    expect(await context.storage.get('value')).toEqual({ list: [1] });
    expect(await rejection(context.storage.set('', 1))).toMatchObject({
      code: 'storage/invalid-key',
    });
    expect(await rejection(context.storage.set('big', 'x'.repeat(1_000)))).toMatchObject({
      code: 'storage/quota',
    });
    expect(await rejection(context.secrets.get('token'))).toMatchObject({
      code: 'permission/denied',
    });
    await expect.poll(() => context.denials).toMatchObject([{ permission: 'secrets.read' }]);
  });

  it('shows what is registered, until it is taken back', async () => {
    await using context = await createTestContext();
    const hello = context.commands.handle('hello', (name) => `hello ${name}`);
    context.events.on('user:*', () => {});
    context.middleware.use('command:com.example.notes:*', (_, next) => next());
    context.messaging.on(() => 'ok');
    expect(context.registrations).toEqual([
      { kind: 'command', name: 'com.example.test:hello' },
      { kind: 'event', name: 'user:*' },
      { kind: 'middleware', name: 'command:com.example.notes:*' },
      { kind: 'message' },
    ]);
    expect(await context.invoke('hello', 'Ada')).toBe('hello Ada');
    hello.dispose();
    expect(context.handlers).toEqual([]);
  });

  it('refuses overrides that do not exist or have no sense', async () => {
    for (const [overrides, message] of [
      [{ need: {} }, "no option 'need'"],
      [{ needs: { search: 1 } }, "an object of objects as 'needs'"],
      [{ plugin: 'notes' }, "an object as 'plugin'"],
    ] as const)
      expect((await rejection(createTestContext(overrides as object))).message).toContain(message);
    expect(await rejection(createTestContext({ manifest: { id: 'Not an id' } }))).toMatchObject({
      code: 'manifest/invalid',
    });
  });

  it('ends as a plugin that stops', async () => {
    const context = await createTestContext();
    const ended: string[] = [];
    context.defer(() => ended.push('deferred'));
    await context.stop();
    expect(ended).toEqual(['deferred']);
    expect(context.signal.aborted).toBe(true);
  });

  it('moves time for a handler that waits', async () => {
    const reminder = definePlugin({
      config: v.object({}),
      activate(ctx) {
        ctx.commands.handle('later', () => new Promise((resolve) => setTimeout(resolve, 1_000, 1)));
      },
    });
    await using context = await createTestContext({ plugin: reminder, clock: true });
    await reminder.activate(context);
    const later = context.invoke('later');
    await context.advance(1_000);
    expect(await later).toBe(1);
  });
});
