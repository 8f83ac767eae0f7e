/**
 * Manifests and bundles with false claims. The witness is the kernel: a plugin with such a manifest
 * must not become active, or not as it claims.
 */

import type { Kernel, KernelOptions, PackageInput } from '@plinth/kernel';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { bundleOf, pluginOf } from '../support/plugins.ts';
import {
  type Attack,
  type AttackClass,
  disturbed,
  type Isolation,
  neighbour,
  reaching,
  watchHost,
} from './attack.ts';

const HONEST = {
  id: 'test.attacker',
  version: '1.0.0',
  main: 'plugin.js',
  engines: { plinth: '^1.0.0' },
};
const CODE = "export default { activate(ctx) { ctx.commands.handle('go', () => 'it runs'); } };";

const start = (isolation: Isolation, plugin: PackageInput, options: KernelOptions = {}) =>
  startKernel({ isolation, createHost }, [neighbour, plugin], {
    isolation: ({ id }) => (id === 'test.neighbour' ? 'worker' : isolation),
    ...options,
  });

const runs = (kernel: Kernel) =>
  kernel.plugins.list({ state: 'active' }).find(({ id }) => id !== 'test.neighbour')?.id;

/** A manifest that must be refused; without the fault it is accepted. */
function refused(name: string, manifest: object | string): Attack {
  const run = async (isolation: Isolation, given: object | string) => {
    const host = watchHost();
    const kernel = await start(isolation, { manifest: given, code: CODE } as PackageInput);
    return host.changed() ?? runs(kernel) ?? (await disturbed(kernel));
  };
  return {
    name,
    attempt: (isolation) =>
      run(isolation, typeof manifest === 'string' ? manifest : { ...HONEST, ...manifest }),
    control: () => run('worker', HONEST),
  };
}

const text = (more: string) => `${JSON.stringify(HONEST).slice(0, -1)},${more}}`;

/** Bundles that break out of the function that wraps them. */
const broken = (name: string, before: string): Attack =>
  reaching(name, 'found((() => {}).constructor, this);', {
    scene: {
      bundle: (activate) => `${before}\n export default { activate(ctx) { ${activate} } };`,
    },
  });

export const manifest: AttackClass = [
  'manifests and bundles',
  [
    ...[
      'kernel',
      'host',
      'plinth.evil',
      'wire',
      '../evil',
      'Test.Attacker',
      'test.\u0430ttacker',
      '__proto__',
      'constructor\0',
      'test.attacker\n',
      `a${'.a'.repeat(100)}`,
    ].map((id) => refused(`the id ${JSON.stringify(id.slice(0, 20))}`, { id })),
    ...[
      '../../../etc/passwd',
      '/etc/passwd',
      'C:\\evil.js',
      'http://127.0.0.1/evil.js',
      'data:text/javascript,1',
      'a/../../b.js',
      '',
    ].map((main) => refused(`the file ${JSON.stringify(main)}`, { main })),
    refused('a version that is none', { version: '1.0.0 || *' }),
    refused('an unknown key', { sandbox: false }),
    refused('an unknown isolation', { isolation: 'none' }),
    refused('__proto__ as a key', text('"__proto__":{"owned":true}')),
    refused('the same key twice', text('"id":"test.neighbour"')),
    refused('the same key twice, spelled differently', text('"\\u0069d":"test.neighbour"')),
    refused('nesting without end', text(`"config":${'['.repeat(5_000)}${']'.repeat(5_000)}`)),
    refused('a manifest without end', text(`"description":"${'x'.repeat(300_000)}"`)),
    refused('a contract of a neighbour in what it provides', { provides: ['test.neighbour@1'] }),
    refused('scopes that are no texts', {
      permissions: { commands: { execute: { length: 1, 0: '*' } } },
    }),
    refused('a scope with a star in the middle', {
      permissions: { commands: { execute: ['test.*:read'] } },
    }),
    refused('a file whose digest is another one', { files: { 'plugin.js': '0'.repeat(64) } }),
    {
      name: 'an isolation that is none, asked for in the manifest',
      attempt: (isolation) => inlineBy(isolation, { manifest: true }),
      control: () => inlineBy('inline', {}),
    },
    {
      name: 'more rights than the policy gives',
      also: ['worker'],
      attempt: (isolation) => beyondPolicy(isolation, { execute: ['test.attacker:*'] }),
      control: () => beyondPolicy('worker', { execute: ['*'] }),
    },
    {
      name: 'code that provides a contract of a neighbour',
      also: ['worker'],
      attempt: (isolation) => providing(isolation, 'test.neighbour@1'),
      control: () => providing('worker', 'test.attacker@1'),
    },
    broken('a bundle that closes the function it is wrapped in', '})({}), (async ($exports) => {'),
    broken(
      'a bundle that closes both functions it is wrapped in',
      '})}); (function () { return (async ($exports) => {',
    ),
    broken(
      'a bundle that hides brackets in comments, strings and expressions',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a bundle.
      'const a = "})", b = /[})]/, c = `})${"})"}`; /* }) */ // })\n',
    ),
    broken('a bundle that ends in a comment', 'var escaped = this; /* <!-- */ ;'),
    broken(
      'a bundle with a name of its own for its source',
      '//# sourceURL=file:///etc/passwd\n//# sourceMappingURL=http://127.0.0.1/x\n',
    ),
    broken(
      'a bundle whose exports are taken over',
      'try { $exports.__proto__ = { default: 1 }; } catch {} try { Object.defineProperty($exports, "default", { get() { return this; } }); delete $exports.default; } catch {}',
    ),
  ],
];

/** Whether the plugin shares the realm of the host. */
async function inlineBy(isolation: Isolation, { manifest: asked = false }): Promise<unknown> {
  const host = watchHost();
  try {
    const plugin = pluginOf(
      'test.attacker',
      'globalThis.owned = true;',
      asked ? { isolation: 'inline' } : {},
    );
    // Once as it asks, once as the application has decided.
    await startKernel(
      { isolation: 'worker', createHost },
      [neighbour, plugin],
      asked ? {} : { isolation },
    );
    if (asked) await startKernel({ isolation, createHost }, [plugin], { isolation });
    return host.changed();
  } finally {
    host.restore();
  }
}

async function beyondPolicy(
  isolation: Isolation,
  commands: { readonly execute: readonly string[] },
): Promise<unknown> {
  const plugin = pluginOf(
    'test.attacker',
    "ctx.commands.handle('go', () => ctx.commands.execute('test.neighbour:ping'));",
    { permissions: { commands: { execute: ['*'] } } },
  );
  const kernel = await start(isolation, plugin, {
    policy: {
      permissions: ({ id }) =>
        id === 'test.attacker' ? { commands } : { storage: { read: true, write: true } },
    },
  });
  return (await kernel.commands.execute('test.attacker:go').catch(() => undefined)) === 'pong'
    ? 'it called what the policy forbids'
    : undefined;
}

async function providing(isolation: Isolation, id: string): Promise<unknown> {
  const kernel = await start(
    isolation,
    bundleOf('test.attacker', `export default { provides: [{ $id: '${id}' }], activate() {} };`),
  );
  return runs(kernel);
}
