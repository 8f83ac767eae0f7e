/** Settings in layers: which one wins, where a value comes from, and what is refused. */
import { parseManifest } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { type ConfigOptions, ConfigStore } from '../../kernel/src/config/config-store.ts';
import { EnvironmentLayer } from '../../kernel/src/config/environment.ts';

const ID = 'test.a';
const storeOf = (options: ConfigOptions, properties?: object, more: object = {}) => {
  const manifest = parseManifest({
    id: ID,
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    ...(properties !== undefined && { config: { type: 'object', properties, ...more } }),
  });
  const manifestOf = (id: string) => (id === ID ? manifest : undefined);
  const environment = options.env && new EnvironmentLayer(options.env);
  const store = new ConfigStore(options, environment, manifestOf, () => [ID, 'test.other']);
  return { store, manifest };
};

describe('settings in layers', () => {
  it('are empty where there is neither schema nor layer', () => {
    for (const id of [ID, 'test.unknown']) expect(storeOf({}).store.get(id)).toEqual({});
  });

  it('merge objects at every depth and replace lists, the stronger layer last', () => {
    const { store } = storeOf({
      global: { [ID]: { db: { host: 'g', port: 1, tags: ['g', 'h'] }, only: 'global' } },
      user: { [ID]: { db: { host: 'u', tags: ['u'] } } },
      runtime: { [ID]: { db: { port: 3 } } },
    });
    expect(store.get(ID)).toEqual({ db: { host: 'u', port: 3, tags: ['u'] }, only: 'global' });
    expect(store.layers(ID)).toMatchObject({
      'db.host': { value: 'u', layer: 'user' },
      'db.port': { value: 3, layer: 'runtime' },
      only: { layer: 'global' },
    });
  });

  it('have the defaults of the schema below every layer, but no object that no layer has', () => {
    const properties = {
      size: { type: 'integer', default: 5 },
      db: { type: 'object', properties: { port: { type: 'integer', default: 80 } } },
    };
    expect(storeOf({}, properties).store.get(ID)).toEqual({ size: 5 });
    const { store } = storeOf({ global: { [ID]: { db: {}, size: 0 } } }, properties);
    expect(store.get(ID)).toEqual({ size: 0, db: { port: 80 } });
    expect(store.layers(ID)['db.port']).toEqual({ value: 80, layer: 'defaults' });
    expect(Object.isFrozen(store.layers(ID))).toBe(true);
  });

  it('take variables of the environment by the types of the schema, between global and user', () => {
    const global = { [ID]: { maxSize: 1, name: 'g' } };
    const env = { PLINTH_TEST_A__MAX_SIZE: '2', PLINTH_TEST_A__NAME: '7', PLINTH_OTHER__NAME: '8' };
    const properties = { maxSize: { type: 'integer' }, name: { type: 'string' } };
    expect(storeOf({ global, env }, properties).store.get(ID)).toEqual({ maxSize: 2, name: '7' });
    const user = { [ID]: { maxSize: 3 } };
    expect(storeOf({ global, env, user }, properties).store.get(ID).maxSize).toBe(3);
  });

  it('change with a replaced layer, fall back when it is removed, and count both', () => {
    const { store } = storeOf({ global: { [ID]: { size: 1 } } });
    expect([store.revision(ID), store.replace(ID, 'runtime', { size: 2 })]).toEqual([0, undefined]);
    expect(store.get(ID)).toEqual({ size: 2 });
    expect(store.replace(ID, 'runtime', undefined)).toEqual({ size: 2 });
    expect(store.get(ID)).toEqual({ size: 1 });
    expect(store.revision(ID)).toBe(2);
  });

  it('are copies: what the application changes later has no effect', () => {
    const mine = { list: [1] };
    const { store } = storeOf({ user: { [ID]: mine } });
    mine.list.push(2);
    expect(store.get(ID)).toEqual({ list: [1] });
    expect(() => (store.get(ID).list as number[]).push(3)).toThrow(TypeError);
  });

  it('are refused at once when they are no object of plain data, with the id', () => {
    const unsafe: unknown = JSON.parse('{"a": {"__proto__": {}}}');
    for (const values of ['text', null, [], { work: () => 1 }, unsafe])
      expect(() => storeOf({ user: { [ID]: values as Record<string, unknown> } })).toThrow(
        expect.objectContaining({ code: 'config/invalid', plugin: ID }),
      );
  });

  it('name an id that no plugin has, and the one that is meant', () => {
    const { store } = storeOf({ user: { 'test.othre': {} }, env: { PLINTH_NONE__X: '1' } });
    expect(store.problems()).toEqual([
      expect.stringMatching(/user configuration.*'test\.othre'.*did you mean 'test\.other'/),
      expect.stringContaining('PLINTH_NONE__X is for no plugin'),
    ]);
  });
});

describe('a check of settings', () => {
  it('reports every problem, each with the layer that it comes from', async () => {
    const { store, manifest } = storeOf(
      { global: { [ID]: { size: 'x' } }, env: { PLINTH_TEST_A__PORT: '-1' } },
      { size: { type: 'integer' }, port: { minimum: 0 }, name: {} },
      { required: ['name'] },
    );
    await expect(store.checked(manifest)).rejects.toMatchObject({
      code: 'config/invalid',
      details: {
        issues: expect.arrayContaining([
          expect.objectContaining({ path: 'size', layer: 'global' }),
          expect.objectContaining({ path: 'port', layer: 'environment' }),
          expect.objectContaining({ path: '', message: expect.stringContaining('"name"') }),
        ]),
      },
    });
  });

  it('resolves to the settings when they fit, and refuses a date under a schema', async () => {
    const { store, manifest } = storeOf({ user: { [ID]: { size: 1 } } }, { size: {} });
    await expect(store.checked(manifest)).resolves.toEqual({ size: 1 });
    store.replace(ID, 'user', { size: new Date(0) });
    await expect(store.checked(manifest)).rejects.toThrow('is not a value of JSON');
  });
});
