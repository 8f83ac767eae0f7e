/**
 * Settings from the environment: which plugin they belong to, and how their texts are parsed.
 * Numbers keep their digits, in files too.
 */

import { describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const ID = 'com.example.a';
const plugin = (properties: Record<string, unknown> | undefined, id = ID, more: object = {}) =>
  pluginOf(
    id,
    '',
    properties === undefined ? {} : { config: { type: 'object', properties, ...more } },
  );

async function read(
  properties: Record<string, unknown> | undefined,
  text: string,
  more: object = {},
): Promise<unknown> {
  const kernel = await startKernel({ isolation: 'inline' }, [plugin(properties, ID, more)], {
    config: { env: { PLINTH_COM_EXAMPLE_A__KEY: text } },
  });
  return kernel.config.get(ID).key;
}

describe(`${runtime}: the environment`, () => {
  it.each<readonly [schema: unknown, text: string, value: unknown]>([
    [{ type: 'string' }, '5', '5'],
    [{ type: ['string', 'null'] }, '5', '5'],
    [{ type: ['string', 'null'] }, 'null', null],
    [{ enum: ['1', '2'] }, '1', '1'],
    [{ enum: [1, 2] }, '1', 1],
    [{ enum: ['on', 'off', true] }, 'true', true],
    [{ const: '007' }, '007', '007'],
    [{ $ref: '#/$defs/name' }, '42', '42'],
    [{ $ref: '#/$defs/more' }, '42', '42'],
    [{ allOf: [{ type: 'string' }, { minLength: 1 }] }, '42', '42'],
    [{ anyOf: [{ type: 'string' }, { type: 'boolean' }] }, '42', '42'],
    [{ anyOf: [{ type: 'string' }, { type: 'boolean' }] }, 'true', true],
    [{ oneOf: [{ type: 'integer' }, { type: 'boolean' }] }, '42', 42],
    [{ type: ['string', 'array'] }, '["a"]', ['a']],
    [{ type: 'string' }, '["a"]', '["a"]'],
    [{ type: 'number' }, '5', 5],
    [{}, '5', 5],
    [{ type: 'string' }, '12345678901234567890', '12345678901234567890'],
    [{}, '12345678901234567890', '12345678901234567890'],
    [{}, '{"id":12345678901234567890}', '{"id":12345678901234567890}'],
    [{}, '9007199254740992', 9007199254740992],
    [{}, '1e21', 1e21],
  ])('%j reads %s as %j', async (schema, text, value) => {
    expect(
      await read({ key: schema }, text, {
        $defs: { name: { type: 'string' }, more: { $ref: '#/$defs/name' } },
      }),
    ).toEqual(value);
  });

  it('a number that would lose digits is no number, and a plugin that wants one gets an error', async () => {
    const kernel = await startKernel(
      { isolation: 'inline' },
      [plugin({ key: { type: 'integer' } })],
      { config: { env: { PLINTH_COM_EXAMPLE_A__KEY: '12345678901234567890' } } },
    );
    expect(kernel.plugins.get(ID)?.error).toMatchObject({ code: 'config/invalid' });
  });

  const names = async (env: Record<string, string>, ...ids: string[]) => {
    const warnings: string[] = [];
    const log = ({ message, level }: { message: string; level: string }) =>
      level === 'warn' && warnings.push(message);
    const kernel = await startKernel(
      { isolation: 'inline' },
      ids.map((id) => plugin(undefined, id)),
      { config: { env }, telemetry: { log } },
    );
    await expect
      .poll(() => kernel.plugins.list().every(({ state }) => state === 'active'))
      .toBe(true);
    return { got: Object.fromEntries(ids.map((id) => [id, kernel.config.get(id)])), warnings };
  };

  it('a plugin with a unique prefix owns it', async () => {
    const { got, warnings } = await names(
      { PLINTH_COM_MY_APP__MAX: '5', PLINTH_COM_MY___APP__MIN: '1' },
      'com.my-app',
    );
    expect(got).toEqual({ 'com.my-app': { max: 5, min: 1 } });
    expect(warnings).toEqual([]);
  });

  it('of two plugins that would share a prefix, one uses three underscores for its hyphen', async () => {
    const { got, warnings } = await names(
      { PLINTH_COM_MY_APP__MAX: '5', PLINTH_COM_MY___APP__MAX: '7' },
      'com.my-app',
      'com.my.app',
      'com.my',
    );
    expect(got).toEqual({ 'com.my-app': { max: 7 }, 'com.my.app': { max: 5 }, 'com.my': {} });
    expect(warnings).toEqual([]);
  });

  it('where both have hyphens, an ambiguous variable is used for neither, and is reported', async () => {
    const { got, warnings } = await names({ PLINTH_A_B_C__MAX: '5' }, 'a-b.c', 'a.b-c');
    expect(got).toEqual({ 'a-b.c': {}, 'a.b-c': {} });
    expect(warnings).toEqual([
      expect.stringContaining('write PLINTH_A___B_C__… for a-b.c, PLINTH_A_B___C__… for a.b-c'),
    ]);
  });

  it('a variable for no plugin is reported, with the plugin that may be meant', async () => {
    const lines: string[] = [];
    await startKernel({ isolation: 'inline' }, [plugin(undefined)], {
      config: {
        env: { PLINTH_COM_EXAMPEL_A__MAX: '5', OTHER: '1' },
        global: { 'com.exmaple.a': { x: 1 } },
        user: { [ID]: { y: 1 } },
      },
      telemetry: { log: (entry) => entry.level === 'warn' && lines.push(entry.message) },
    });
    await expect.poll(() => lines.length).toBe(2);
    expect(lines[0]).toMatch(
      /global configuration .*'com.exmaple.a'.*did you mean 'com.example.a'/,
    );
    expect(lines[1]).toMatch(/PLINTH_COM_EXAMPEL_A__MAX .*did you mean 'PLINTH_COM_EXAMPLE_A__'/);
  });

  it('a manifest keeps its digits, or names the number that would lose them', async () => {
    const text = JSON.stringify(plugin({ key: { default: 'X' } }).manifest);
    const load = async (number: string) => {
      const kernel = await startKernel({ isolation: 'inline' }, [
        {
          manifest: text.replace('"X"', number),
          code: 'export default { activate() {} };',
        } as never,
      ]);
      return kernel.plugins.list()[0];
    };
    expect((await load('12345678901234567890'))?.error).toMatchObject({
      code: 'manifest/invalid',
      message: expect.stringContaining('12345678901234567890 has more digits'),
    });
    expect((await load('"12345678901234567890"'))?.state).toBe('active');
  });
});
