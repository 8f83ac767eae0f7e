/** Plugins of three older shapes run as ours, from objects here and from bundles where there is a bundler. */
import { createKernel, type Kernel, packageSource } from '@plinth/kernel';
import { adapt } from '@plinth/sdk/compat';
import { afterEach, describe, expect, it } from 'vitest';

let kernel: Kernel;
afterEach(() => kernel.stop());
const manifest = (id: string) => ({ id, version: '1.0.0', main: 'plugin.js', engines: { plinth: '^1.0.0' } });
async function start(id: string, plugin: object): Promise<Kernel> {
  kernel = await createKernel({ sources: [packageSource([{ manifest: manifest(id), plugin }])] });
  await kernel.start();
  return kernel;
}
type Commands = { readonly commands: { handle(name: string, handler: (input: unknown) => unknown): unknown } };

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
    await expect(kernel.commands.execute('test.translator:translateText', 'fail')).rejects.toThrow('no such word');
    expect(await kernel.plugins.health('test.translator')).toMatchObject({ status: 'healthy' });
    await expect(kernel.config.set('test.translator', { language: 'klingon' })).rejects.toMatchObject({ code: 'config/invalid' });
    await kernel.plugins.deactivate('test.translator');
    expect(seen).toEqual(['load', 'ready', 'unload']);
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

  it('what is none of these, or somebody else, says so', async () => {
    expect(() => adapt({})).toThrow(/this one has none of them/);
    await start('test.mine', adapt({ id: 'test.theirs', version: '2.0.0', activate() {} }));
    expect(kernel.plugins.explain('test.mine').because).toContain('the code says it is test.theirs@2.0.0, its manifest test.mine@1.0.0');
  });
});
