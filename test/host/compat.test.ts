/**
 * Plugins of three other systems run through the adapter, from objects here and from bundles where
 * there is a bundler.
 */
import { createKernel, type Kernel, packageSource } from '@plinth/kernel';
import { adapt } from '@plinth/sdk/compat';
import { afterEach, describe, expect, it } from 'vitest';

let kernel: Kernel;
afterEach(() => kernel.stop());
const manifest = (id: string) => ({
  id,
  version: '1.0.0',
  main: 'plugin.js',
  engines: { plinth: '^1.0.0' },
});
async function start(id: string, plugin: object): Promise<Kernel> {
  kernel = await createKernel({ sources: [packageSource([{ manifest: manifest(id), plugin }])] });
  await kernel.start();
  return kernel;
}
type Commands = {
  readonly commands: { handle(name: string, handler: (input: unknown) => unknown): unknown };
};

describe('adapt()', () => {
  it('a class with activate and deactivate', async () => {
    const seen: string[] = [];
    class Greeter {
      readonly id = 'test.greeter';
      readonly version = '1.0.0';
      readonly #greeting = 'hello';
      activate(ctx: Commands) {
        seen.push('activate');
        ctx.commands.handle('greet', (name) => `${this.#greeting} ${String(name)}`);
      }
      async deactivate() {
        seen.push(`deactivate ${this.#greeting}`);
      }
    }
    await start('test.greeter', adapt(Greeter));
    expect(await kernel.commands.execute('test.greeter:greet', 'you')).toBe('hello you');
    await kernel.plugins.deactivate('test.greeter');
    expect(seen).toEqual(['activate', 'deactivate hello']);
  });

  it('an object with on_load, on_ready, on_unload and capabilities', async () => {
    const seen: string[] = [];
    const plugin = {
      capabilities: async () => ['translate_text', { name: 'count' }],
      on_load: async () => void seen.push('load'),
      on_ready: () => void seen.push('ready'),
      on_unload: () => void seen.push('unload'),
      validate_config: (config: { readonly language?: string }) => config.language !== 'klingon',
      health_check: () => true,
      prefix: 'T:',
      async execute_capability(name: string, input: unknown) {
        if (name === 'count') return String(input).length;
        if (input === 'fail') throw new TypeError('no such word');
        return `${this.prefix}${String(input)}`;
      },
    };
    await start('test.translator', adapt(plugin));
    expect(await kernel.commands.execute('test.translator:translateText', 'word')).toBe('T:word');
    expect(await kernel.commands.execute('test.translator:count', 'word')).toBe(4);
    await expect(kernel.commands.execute('test.translator:translateText', 'fail')).rejects.toThrow(
      'no such word',
    );
    expect(await kernel.plugins.health('test.translator')).toMatchObject({ status: 'healthy' });
    await expect(
      kernel.config.set('test.translator', { language: 'klingon' }),
    ).rejects.toMatchObject({ code: 'config/invalid' });
    await kernel.plugins.deactivate('test.translator');
    expect(seen).toEqual(['load', 'ready', 'unload']);
  });

  it('every on_… hook in its documented order, on_load with the configuration', async () => {
    const seen: unknown[] = [];
    const told = (name: string) => () => void seen.push(name);
    const plugin = {
      on_discover: told('discover'),
      on_load: (config: unknown) => void seen.push(['load', config]),
      on_initialize: told('initialize'),
      on_ready: told('ready'),
      on_activate: (ctx: { readonly plugin: { readonly id: string } }) =>
        void seen.push(['activate', ctx.plugin.id]),
      on_suspend: told('suspend'),
      on_resume: told('resume'),
      on_unload: told('unload'),
    };
    kernel = await createKernel({
      sources: [packageSource([{ manifest: manifest('test.hooked'), plugin: adapt(plugin) }])],
      config: { global: { 'test.hooked': { depth: 3 } } },
    });
    await kernel.start();
    await kernel.plugins.suspend('test.hooked');
    await kernel.plugins.resume('test.hooked');
    await kernel.plugins.deactivate('test.hooked');
    expect(seen).toEqual([
      'discover',
      ['load', { depth: 3 }],
      'initialize',
      'ready',
      ['activate', 'test.hooked'],
      'suspend',
      'resume',
      'unload',
    ]);
  });

  it("capabilities are called by their ids, not their display names, with the caller's call", async () => {
    const seen: unknown[] = [];
    const plugin = {
      get_capabilities: () => [
        { id: 'text.translate', name: 'Translate a text' },
        { id: 'count', name: 'Count the words' },
      ],
      initialize: (context: { readonly tenant: string }) => context.tenant === 'tenant-0',
      activate: () => true,
      execute_capability: (
        id: string,
        input: unknown,
        call: { readonly user?: string; readonly caller: { readonly kind: string } },
      ) => {
        seen.push([id, input, call.user, call.caller.kind]);
        return id;
      },
    };
    await start('test.capable', adapt(plugin));
    expect(
      await kernel.commands.execute('test.capable:textTranslate', 'word', { user: 'ada' }),
    ).toBe('text.translate');
    expect(await kernel.commands.execute('test.capable:count', 1)).toBe('count');
    expect(seen).toEqual([
      ['text.translate', 'word', 'ada', 'host'],
      ['count', 1, undefined, 'host'],
    ]);
    expect(kernel.commands.list().map(({ id }) => id)).toEqual([
      'test.capable:count',
      'test.capable:textTranslate',
    ]);
  });

  it.each(['initialize', 'activate'])(
    'an %s that returns false fails the start, and the error says so',
    async (method) => {
      const seen: string[] = [];
      const plugin = {
        initialize: () => void seen.push('initialize'),
        activate: () => void seen.push('activate'),
        on_ready: () => void seen.push('ready'),
        [method]: async () => false,
      };
      await start('test.refusing', adapt(plugin));
      expect(kernel.plugins.get('test.refusing')).toMatchObject({
        state: 'failed',
        stage: 'activate',
      });
      expect(kernel.plugins.explain('test.refusing').because).toContain(
        `its '${method}' answered false`,
      );
      expect(seen).toEqual(method === 'initialize' ? [] : ['initialize', 'ready']);
    },
  );

  it('initialize, activate and deactivate in this order', async () => {
    const seen: string[] = [];
    class Older {
      async initialize() {
        seen.push('initialize');
        return true;
      }
      async activate() {
        seen.push('activate');
        return true;
      }
      deactivate() {
        seen.push('deactivate');
      }
    }
    await start('test.booleans', adapt(Older));
    expect(kernel.plugins.get('test.booleans')?.state).toBe('active');
    await kernel.stop();
    expect(seen).toEqual(['initialize', 'activate', 'deactivate']);
  });

  it('get_config_schema checks settings before validate_config is called', async () => {
    const seen: unknown[] = [];
    const plugin = {
      activate: () => {},
      get_config_schema: () => ({
        type: 'object',
        properties: { depth: { type: 'integer', minimum: 1 }, name: { type: 'string' } },
        required: ['depth'],
      }),
      validate_config(config: { readonly depth: number }) {
        seen.push(config.depth);
        return config.depth < 10 ? { valid: true } : { valid: false, errors: ['too deep'] };
      },
    };
    kernel = await createKernel({
      sources: [packageSource([{ manifest: manifest('test.settings'), plugin: adapt(plugin) }])],
      config: { global: { 'test.settings': { depth: 1 } } },
    });
    await kernel.start();
    expect(kernel.plugins.get('test.settings')?.state).toBe('active');
    await expect(kernel.config.set('test.settings', { depth: 'deep' })).rejects.toMatchObject({
      code: 'config/invalid',
      message: expect.stringContaining('depth'),
    });
    await expect(kernel.config.set('test.settings', { depth: 11 })).rejects.toMatchObject({
      code: 'config/invalid',
      message: expect.stringContaining('too deep'),
    });
    await kernel.config.set('test.settings', { depth: 2 });
    expect(seen).toEqual([1, 11, 2]);
  });

  it('onShutdown runs only when the kernel stops, onDisable at every stop', async () => {
    const seen: string[] = [];
    const plugin = {
      register() {},
      onEnable: () => void seen.push('enable'),
      onDisable: () => void seen.push('disable'),
      onShutdown: () => void seen.push('shutdown'),
    };
    await start('test.stopped', adapt(plugin));
    await kernel.plugins.disable('test.stopped');
    expect(seen).toEqual(['enable', 'disable']);
    await kernel.plugins.enable('test.stopped');
    await kernel.plugins.deactivate('test.stopped');
    await kernel.plugins.activate('test.stopped');
    await kernel.stop();
    expect(seen).toEqual([
      'enable',
      'disable',
      'enable',
      'disable',
      'enable',
      'disable',
      'shutdown',
    ]);
  });

  it('a hook that throws at the stop does not prevent the others from running', async () => {
    const seen: string[] = [];
    const fail = () => {
      throw new Error('no');
    };
    await start(
      'test.clumsy',
      adapt({
        onEnable() {},
        onDisable: fail,
        on_unload: () => void seen.push('unload'),
        onShutdown: () => void seen.push('shutdown'),
      }),
    );
    await kernel.stop();
    expect(seen).toEqual(['unload', 'shutdown']);
  });

  it('the same names in camelCase', async () => {
    const seen: unknown[] = [];
    const plugin = {
      onLoad: (config: unknown) => void seen.push(['load', config]),
      getCapabilities: () => ({ echo: {} }),
      executeCapability: (id: string, input: unknown) => [id, input],
      healthCheck: () => 'degraded',
    };
    await start('test.camel', adapt(plugin));
    expect(await kernel.commands.execute('test.camel:echo', 1)).toEqual(['echo', 1]);
    expect(await kernel.plugins.health('test.camel')).toMatchObject({ status: 'degraded' });
    expect(seen).toEqual([['load', {}]]);
  });

  it('register, onEnable, onDisable and onShutdown, in that order', async () => {
    const seen: string[] = [];
    const plugin = {
      register(ctx: Commands) {
        seen.push('register');
        ctx.commands.handle('ping', () => 'pong');
      },
      onEnable: () => void seen.push('enable'),
      onDisable: async () => void seen.push('disable'),
      onShutdown: () => void seen.push('shutdown'),
    };
    await start('test.registered', adapt(plugin));
    expect(await kernel.commands.execute('test.registered:ping')).toBe('pong');
    await kernel.stop();
    expect(seen).toEqual(['register', 'enable', 'disable', 'shutdown']);
  });

  it('an unknown shape, or a plugin with another id, is refused with the reason', async () => {
    expect(() => adapt({})).toThrow(/this one has none of them/);
    await start('test.mine', adapt({ id: 'test.theirs', version: '2.0.0', activate() {} }));
    expect(kernel.plugins.explain('test.mine').because).toContain(
      'the code says it is test.theirs@2.0.0, its manifest test.mine@1.0.0',
    );
  });
});
