/** A small plugin that the tests of the test kit work with. */
import { command, contract, definePlugin, event, optional } from '@plinth/sdk';
import type { ManifestInput } from '@plinth/sdk/contract';
import * as v from 'valibot';

export const Search = contract('com.example.search@1', {
  find: command({ input: v.string(), output: v.array(v.string()) }),
});

export const Notes = contract('com.example.notes@1', {
  add: command({
    input: v.object({ text: v.string() }),
    output: v.object({ id: v.string(), time: v.number() }),
    errors: { full: v.object({ max: v.number() }) },
  }),
  read: command({ input: v.string(), output: v.optional(v.string()) }),
  related: command({ input: v.string(), output: v.array(v.string()) }),
  rate: command({ output: v.number() }),
  remind: command({ input: v.number(), output: v.number() }),
  added: event(v.object({ id: v.string() })),
});

export const manifest = {
  id: 'com.example.notes',
  version: '1.0.0',
  main: 'plugin.js',
  engines: { plinth: '^1.0.0' },
  provides: ['com.example.notes@1'],
  needs: ['com.example.search@^1'],
  permissions: {
    storage: { read: true, write: true },
    network: { fetch: ['https://api.example.com'] },
  },
} satisfies ManifestInput;

export const notes = definePlugin({
  provides: [Notes],
  needs: { search: optional(Search) },
  config: v.object({ max: v.optional(v.number(), 100) }),
  activate(ctx) {
    ctx.provide(Notes, {
      async add({ text }, call) {
        const { length } = await ctx.storage.keys();
        if (length >= ctx.config.max) call.fail('full', { max: ctx.config.max });
        const id = `note-${length + 1}`;
        await ctx.storage.set(id, text);
        await ctx.events.emit(Notes.added, { id });
        ctx.logger.info('added', { id });
        return { id, time: Date.now() };
      },
      read: async (id) => (await ctx.storage.get(id)) as string | undefined,
      related: async (text) => (await ctx.needs.search?.find(text)) ?? [],
      rate: async () => Number(await (await ctx.fetch('https://api.example.com/rate')).text()),
      remind: (ms) => new Promise((resolve) => setTimeout(() => resolve(Date.now()), ms)),
    });
  },
});

/** The same plugin without its contract, as the text of a bundle. */
export const counterCode = `export default {
  activate(ctx) {
    ctx.commands.handle('count', () => ctx.storage.update('count', (n) => (n ?? 0) + 1));
    ctx.commands.handle('read', () => ctx.storage.get('count'));
    ctx.commands.handle('wait', () => new Promise(() => {}));
  },
};`;

export const counter = {
  manifest: {
    id: 'com.example.counter',
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    permissions: { storage: { read: true, write: true } },
  } satisfies ManifestInput,
  code: counterCode,
};
