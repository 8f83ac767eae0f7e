/** Configuration: layers, the manifest's schema, atomic changes, persistence, and sources. */

import {
  createKernel,
  memoryStorage,
  type PluginSettings,
  packageSource,
  type SettingsSource,
  type StorageAdapter,
} from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    max: { type: 'integer', minimum: 1, default: 10 },
    name: { type: 'string' },
    tags: { type: 'array', items: { type: 'string' } },
    mode: { enum: ['slow', 'fast'] },
  },
};
/** Returns its configuration; refuses an odd `n`, and asks for a restart when the name changes. */
const subject = (config: object | undefined = schema) =>
  pluginOf(
    'test.subject',
    `ctx.commands.handle('config', () => current); ctx.commands.handle('starts', () => starts); starts += 1;`,
    { ...(config && { config: config as Record<string, unknown> }) },
    `configure(config, previous) { if (config.max % 2 === 1) throw new Error('odd'); current = { ...config }; if (previous && previous.name !== config.name) return 'restart'; },`,
  );
const withState = (made: ReturnType<typeof subject>) => ({
  ...made,
  code: `let current; let starts = 0;\n${made.code}`,
});

/** Waits for the host while it starts. */
const gated = (members: string) =>
  pluginOf(
    'test.subject',
    `ctx.commands.handle('config', () => ctx.config); await ctx.commands.execute('host:gate');`,
    { activation: [], permissions: { commands: { execute: ['host:*'] } } },
    members,
  );

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: configuration`, () => {
    const start = (
      config: NonNullable<Parameters<typeof startKernel>[2]>['config'] = {},
      storage?: StorageAdapter,
      pkg = withState(subject()),
    ) => startKernel(setting, [pkg], { config, ...(storage && { storage }) });
    const shown = (kernel: Awaited<ReturnType<typeof start>>) =>
      kernel.commands.execute('test.subject:config');

    it('merges five layers key by key and returns the layer of each', async () => {
      const kernel = await start({
        global: { 'test.subject': { max: 12, mode: 'slow' } },
        env: { PLINTH_TEST_SUBJECT__MODE: 'fast', PLINTH_TEST_SUBJECT__NAME: '42', OTHER: 'x' },
        user: { 'test.subject': { max: 14 } },
        runtime: { 'test.subject': { tags: ['a'] } },
      });
      expect(kernel.config.layers('test.subject')).toEqual({
        max: { value: 14, layer: 'user' },
        mode: { value: 'fast', layer: 'environment' },
        // The schema says that it is a string.
        name: { value: '42', layer: 'environment' },
        tags: { value: ['a'], layer: 'runtime' },
      });
      expect(await shown(kernel)).toEqual(kernel.config.get('test.subject'));
      expect(() => ((kernel.config.get('test.subject').tags as string[])[0] = 'b')).toThrow(
        TypeError,
      );
    });

    it('merges nested objects leaf by leaf and returns the layer of each leaf; lists are replaced', async () => {
      const nested = {
        type: 'object',
        properties: {
          db: {
            type: 'object',
            default: { pool: 4 },
            properties: {
              host: { type: 'string' },
              port: { type: 'integer', default: 5432 },
              pool: { type: 'integer' },
              tls: {
                type: 'object',
                properties: { on: { type: 'boolean', default: true }, ciphers: { type: 'array' } },
              },
              log: { type: 'object', properties: { level: { default: 'warn' } } },
            },
          },
        },
      };
      const kernel = await start(
        {
          global: {
            'test.subject': {
              db: { host: 'a', tls: { ciphers: ['x', 'y'] } },
              list: [1, 2],
              whole: { a: 1 },
            },
          },
          user: { 'test.subject': { db: { host: 'b' }, list: [3] } },
          runtime: { 'test.subject': { db: { tls: { ciphers: ['z'] } }, whole: 5 } },
        },
        undefined,
        withState(subject(nested)),
      );
      const settings = {
        db: { pool: 4, host: 'b', port: 5432, tls: { on: true, ciphers: ['z'] } },
        list: [3],
        whole: 5,
      };
      expect(kernel.config.get('test.subject')).toEqual(settings);
      expect(await shown(kernel)).toEqual(settings);
      expect(kernel.config.layers('test.subject')).toEqual({
        'db.pool': { value: 4, layer: 'defaults' },
        'db.port': { value: 5432, layer: 'defaults' },
        'db.host': { value: 'b', layer: 'user' },
        'db.tls.on': { value: true, layer: 'defaults' },
        'db.tls.ciphers': { value: ['z'], layer: 'runtime' },
        list: { value: [3], layer: 'user' },
        whole: { value: 5, layer: 'runtime' },
      });
      expect(() => ((kernel.config.get('test.subject').db as { host: string }).host = 'c')).toThrow(
        TypeError,
      );
      await kernel.config.set('test.subject', { db: { port: 1 } });
      expect(kernel.config.get('test.subject')).toEqual({
        ...settings,
        db: { ...settings.db, port: 1 },
      });
      await kernel.config.set('test.subject', { db: { host: undefined } });
      expect(kernel.config.get('test.subject')).toEqual({
        ...settings,
        db: { ...settings.db, port: 1, host: 'a' },
      });
      const error = await rejection(kernel.config.set('test.subject', { db: { port: 'x' } }));
      expect(error).toMatchObject({
        code: 'config/invalid',
        details: { issues: [{ path: 'db.port', layer: 'user' }] },
      });
    });

    it('does not create an object of defaults that no layer has', async () => {
      const config = {
        type: 'object',
        properties: {
          mail: {
            type: 'object',
            required: ['host'],
            properties: { host: { type: 'string' }, port: { default: 25 } },
          },
        },
      };
      const kernel = await start({}, undefined, withState(subject(config)));
      expect(kernel.plugins.get('test.subject')?.state).toBe('active');
      expect(kernel.config.get('test.subject')).toEqual({});
      await kernel.config.set('test.subject', { mail: { host: 'a' } });
      expect(kernel.config.get('test.subject')).toEqual({ mail: { host: 'a', port: 25 } });
    });

    it('settings that do not fit the schema prevent the start, with every problem and its layer', async () => {
      const kernel = await start({
        global: { 'test.subject': { max: 0, tagz: [] } },
        env: { PLINTH_TEST_SUBJECT__MODE: 'medium' },
        user: { 'test.subject': { tags: ['a', 5] } },
      });
      expect(kernel.plugins.get('test.subject')?.state).toBe('failed');
      const error = kernel.plugins.get('test.subject')?.error as Error & {
        code: string;
        details: { issues: object[] };
      };
      expect(error.code).toBe('config/invalid');
      expect(
        error.details.issues
          .map((one) => one as { path: string; layer: string })
          .map(({ path, layer }) => `${path} ${layer}`)
          .sort(),
      ).toEqual(['max global', 'mode environment', 'tags.1 user', 'tagz global']);
      expect(error.message).toContain('PLINTH_TEST_SUBJECT__');
      expect(error.message).toContain("unknown key (did you mean 'tags'?)");
    });

    it('an invalid change is rejected as a whole, by the schema or by the plugin, and the old snapshot stays', async () => {
      const kernel = await start();
      const told: unknown[] = [];
      kernel.config.watch('test.subject', (config, keys) => told.push([config.max, keys]));
      expect(
        await rejection(kernel.config.set('test.subject', { max: 4, mode: 'medium', more: 1 })),
      ).toMatchObject({
        code: 'config/invalid',
        details: {
          issues: [
            expect.objectContaining({ path: 'mode' }),
            expect.objectContaining({ path: 'more' }),
          ],
        },
      });
      expect(await rejection(kernel.config.set('test.subject', { max: 5 }))).toMatchObject({
        name: 'PluginConfigurationError',
        code: 'config/invalid',
        plugin: 'test.subject',
        message: 'test.subject refuses its configuration: odd',
        cause: { name: 'Error', message: 'odd' },
      });
      expect([await shown(kernel), kernel.config.get('test.subject')]).toEqual([
        { max: 10 },
        { max: 10 },
      ]);
      await kernel.config.set('test.subject', { max: 6 });
      expect([await shown(kernel), told]).toEqual([{ max: 6 }, [[6, ['max']]]]);
      for (const bad of [
        { x: () => 1 },
        { max: 1n },
        { name: new Date() },
        JSON.parse('{ "__proto__": { "max": 2 } }'),
        JSON.parse('{ "tags": [{ "__proto__": 1 }] }'),
        [],
        null,
      ]) {
        expect((await rejection(kernel.config.set('test.subject', bad as never))).code).toBe(
          'config/invalid',
        );
      }
      for (const layer of ['defaults', 'environment', 'other'] as const)
        expect(
          (await rejection(kernel.config.set('test.subject', { max: 8 }, layer as never))).code,
        ).toBe('config/invalid');
      expect(await shown(kernel)).toEqual({ max: 6 });
      expect(Object.prototype).not.toHaveProperty('max');
    });

    it('configure may request a restart; concurrent changes run one after another', async () => {
      const kernel = await start();
      const reloaded = nextEvent(kernel, 'plugin:reloaded');
      await kernel.config.set('test.subject', { name: 'new' });
      await reloaded;
      expect(await shown(kernel)).toEqual({ max: 10, name: 'new' });
      const changes = [12, 13, 14, 15, 16].map((max) =>
        kernel.config.set('test.subject', { max }).then(
          () => 'taken',
          () => 'refused',
        ),
      );
      expect(await Promise.all(changes)).toEqual(['taken', 'refused', 'taken', 'refused', 'taken']);
      expect(await shown(kernel)).toEqual({ max: 16, name: 'new' });
    });

    it.each(['start', 'reload', 'wake'] as const)(
      'a change during a %s is applied when it is over',
      async (how) => {
        const kernel = await start({}, undefined, gated(''));
        let gate = async () => {};
        kernel.commands.handle('gate', () => gate());
        if (how !== 'start') await kernel.plugins.activate('test.subject');
        if (how === 'wake') expect(await kernel.plugins.hibernate('test.subject')).toBe(true);
        gate = () => kernel.config.set('test.subject', { max: 20 });
        await (how === 'reload'
          ? kernel.plugins.reload('test.subject')
          : kernel.plugins.activate('test.subject'));
        expect(await shown(kernel)).toEqual({ max: 20 });
      },
    );

    it('a plugin that requests a restart for a change during its start is restarted, and one that refuses the change does not start', async () => {
      const kernel = await start(
        {},
        undefined,
        gated(
          `configure({ name }, previous) { if (name === 'bad') throw new Error('no'); if (previous) return 'restart'; },`,
        ),
      );
      let gates = 0;
      const restarted = nextEvent(kernel, 'plugin:reloaded');
      kernel.commands.handle('gate', async () => {
        if (++gates === 1) await kernel.config.set('test.subject', { name: 'good' });
        if (gates === 3) await kernel.config.set('test.subject', { name: 'bad' });
      });
      await kernel.plugins.activate('test.subject');
      await restarted;
      expect([gates, await shown(kernel)]).toEqual([2, { name: 'good' }]);
      expect(await rejection(kernel.plugins.reload('test.subject'))).toMatchObject({
        message: expect.stringMatching(/no/),
      });
      expect(kernel.plugins.get('test.subject')?.state).toBe('active');
    });

    it('the user layer survives a restart, the runtime layer does not; a change that cannot be stored is refused', async () => {
      const inner = memoryStorage();
      let broken = false;
      const storage: StorageAdapter = {
        ...Object.fromEntries(
          (['get', 'delete', 'keys', 'clear', 'update'] as const).map((name) => [
            name,
            (...args: never[]) => (inner[name] as (...all: never[]) => unknown)(...args),
          ]),
        ),
        set: (key: string, value: unknown) =>
          broken ? Promise.reject(new Error('disk full')) : inner.set(key, value),
        close: async () => {},
      } as StorageAdapter;
      const first = await start({ user: { 'test.subject': { mode: 'slow' } } }, storage);
      await first.config.set('test.subject', { max: 20 });
      await first.config.set('test.subject', { name: 'gone' }, 'runtime');
      broken = true;
      expect(await rejection(first.config.set('test.subject', { max: 22 }))).toMatchObject({
        code: 'storage/failed',
      });
      broken = false;
      expect(await shown(first)).toMatchObject({ max: 20 });
      await first.stop();
      const second = await start({ user: { 'test.subject': { mode: 'fast' } } }, storage);
      expect(second.config.get('test.subject')).toEqual({ max: 20, mode: 'slow' });
      await second.config.set('test.subject', { max: undefined, mode: undefined });
      await second.stop();
      expect((await start({}, storage)).config.get('test.subject')).toEqual({ max: 10 });
    });

    it('a source is read at the start and after each change; an invalid change is reported and has no effect', async () => {
      let settings: PluginSettings = { 'test.subject': { max: 2 } };
      let tell = () => {};
      let disposed = 0;
      const source: SettingsSource = {
        name: 'test',
        load: async () => settings,
        watch(onChange) {
          tell = onChange;
          const dispose = () => {
            disposed += 1;
          };
          return { dispose, [Symbol.dispose]: dispose };
        },
      };
      const kernel = await start({ global: source });
      expect(await shown(kernel)).toEqual({ max: 2 });
      settings = { 'test.subject': { max: 4, mode: 'fast' }, 'not.there': { x: 1 } };
      const changed = nextEvent(kernel, 'config:changed');
      tell();
      expect(await changed).toEqual({
        plugin: 'test.subject',
        layer: 'global',
        keys: ['max', 'mode'],
      });
      expect(await shown(kernel)).toEqual({ max: 4, mode: 'fast' });
      settings = { 'test.subject': { max: 'many' }, 'not.there': { x: 1 } };
      const rejected = nextEvent<{ message: string }>(kernel, 'config:rejected');
      tell();
      expect((await rejected).message).toContain('from global');
      expect(await shown(kernel)).toEqual({ max: 4, mode: 'fast' });
      settings = { 'not.there': { x: 1 } };
      const back = nextEvent(kernel, 'config:changed');
      tell();
      await back;
      expect(await shown(kernel)).toEqual({ max: 10 });
      await kernel.stop();
      expect(disposed).toBe(1);
    });

    it('a schema that is invalid or too large fails only its plugin', async () => {
      const deep = (depth: number): object => (depth === 0 ? {} : { items: deep(depth - 1) });
      const bomb = {
        $defs: Object.fromEntries(
          Array.from({ length: 14 }, (_, n) => [
            `d${n}`,
            n === 13
              ? {}
              : { allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
          ]),
        ),
        $ref: '#/$defs/d0',
      };
      for (const [config, problem] of [
        [{ type: 'strnig' }, 'config.type: is not a type'],
        [{ properties: 5 }, 'config.properties: is not a set of schemas'],
        [{ properties: { a: null } }, 'config.properties.a: is not a schema'],
        [{ $ref: 'https://example.com/schema.json' }, 'config.$ref: refers to something else'],
        [{ $ref: '#/$defs/none' }, 'config.$ref: refers to nothing'],
        [{ $ref: '#' }, 'refers to itself'],
        [{ $id: 'http://[' }, 'config.$id: is not supported'],
        [{ properties: { a: { pattern: '(?=a)' } } }, 'looks ahead'],
        [{ properties: { a: { pattern: '(' } } }, 'is not a regular expression'],
        [deep(40), 'nested deeper'],
        [bomb, 'leads to more than'],
        [{ enum: Array.from({ length: 1_001 }, (_, n) => n) }, 'is not a list of at most 1000'],
      ] as const) {
        const kernel = await start({}, undefined, withState(subject(config as object)));
        expect(
          kernel.plugins.explain('test.subject').because,
          JSON.stringify(config).slice(0, 80),
        ).toContain(problem);
      }
      const recursive = {
        type: 'object',
        properties: { child: { $ref: '#' }, max: { type: 'integer', default: 2 } },
      };
      const kernel = await start(
        { global: { 'test.subject': { child: { child: { max: 'x' } } } } },
        undefined,
        withState(subject(recursive)),
      );
      expect(kernel.plugins.explain('test.subject').because).toContain('child.child.max');
    });
  });
}

it('a source that can not be read at the start fails the start', async () => {
  const source: SettingsSource = {
    name: 'test',
    load: () => Promise.reject(new Error('no such file')),
  };
  const kernel = await createKernel({
    sources: [packageSource([withState(subject())])],
    config: { global: source },
  });
  expect((await rejection(kernel.start())).message).toContain('no such file');
  await kernel.stop();
});
