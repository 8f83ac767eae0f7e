/** Trust and signatures: which plugins may run, where, and the code of each refusal. */

import {
  createKernel,
  type Kernel,
  type KernelOptions,
  memoryStorage,
  type PackageInput,
  type Policy,
  packageOf,
  packageSource,
  type TrustRule,
} from '@plinth/kernel';
import {
  createSigningKey,
  type SigningKey,
  signPackage,
  type TrustedKey,
} from '@plinth/sdk/signing';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection } from '../support/kernels.ts';
import { outliving } from '../support/storages.ts';

let key: SigningKey;
let other: SigningKey;
beforeAll(async () => {
  [key, other] = await Promise.all([createSigningKey(), createSigningKey()]);
});

const open = new Set<Kernel>();
afterEach(async () => {
  await Promise.all([...open].map((kernel) => kernel.stop()));
  open.clear();
});

const utf8 = new TextEncoder();
const CODE = `export default { activate(ctx) { ctx.commands.handle('where', () => typeof Compartment + ' ' + (Object.isFrozen(Array.prototype) ? 'hardened' : 'plain')); ctx.commands.handle('version', () => ctx.plugin.version); } };`;
const manifestOf = (version = '1.0.0', id = 'com.acme.tool') =>
  JSON.stringify({
    id,
    version,
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    activation: ['startup'],
  });
interface Options {
  readonly version?: string;
  readonly id?: string;
  readonly by?: SigningKey;
  readonly expires?: number;
  readonly code?: string;
}
async function signed({
  version,
  id,
  by = key,
  expires,
  code = CODE,
}: Options = {}): Promise<
  PackageInput & { readonly signature: string; readonly manifest: string; readonly code: string }
> {
  const manifest = manifestOf(version, id);
  const files = new Map([
    ['plugin.json', utf8.encode(manifest)],
    ['plugin.js', utf8.encode(code)],
  ]);
  return {
    manifest,
    code,
    signature: await signPackage({ files, key: by, ...(expires !== undefined && { expires }) }),
  };
}
const trusting = (more: Partial<TrustedKey> = {}) => ({
  [key.keyId]: { publicKey: key.publicKey, publisher: 'Acme', scopes: ['com.acme.*'], ...more },
});
const policyOf = (more: Partial<TrustedKey> = {}, rest: Partial<Policy> = {}): Policy => ({
  trust: [],
  signatures: { keys: trusting(more) },
  ...rest,
});
async function start(
  packages: readonly PackageInput[],
  policy: Policy,
  options: KernelOptions = {},
) {
  const kernel = await createKernel({
    host: createHost(),
    sources: [packageSource(packages)],
    policy,
    ...options,
  });
  open.add(kernel);
  await kernel.start();
  return kernel;
}
const codeOf = (kernel: Kernel, id = 'com.acme.tool') => {
  const { state, error } = kernel.plugins.get(id) ?? {};
  return state === 'failed' || state === 'denied' ? (error as { code?: string }).code : state;
};
const where = (kernel: Kernel) => kernel.commands.execute('com.acme.tool:where');

describe(`${runtime}: trust decides the isolation`, () => {
  const levels: readonly (readonly [string, readonly TrustRule[], string])[] = [
    ['a plugin that no rule names is untrusted', [], 'undefined hardened'],
    ['by the key', [{ level: 'partner', keys: ['*'] }], 'undefined plain'],
    ['by the publisher', [{ level: 'partner', publishers: ['Acme'] }], 'undefined plain'],
    ['by the id', [{ level: 'trusted', plugins: ['com.acme.*'] }], 'undefined plain'],
    ['by where it comes from', [{ level: 'partner', origins: ['memory:*'] }], 'undefined plain'],
    [
      'everything that a rule names has to fit',
      [{ level: 'partner', plugins: ['com.acme.*'], publishers: ['Other'] }],
      'undefined hardened',
    ],
    [
      'the first rule counts',
      [
        { level: 'untrusted', plugins: ['com.acme.tool'] },
        { level: 'trusted', plugins: ['*'] },
      ],
      'undefined hardened',
    ],
  ];
  it.each(levels)('%s', async (_, trust, expected) => {
    const kernel = await start([await signed()], policyOf({}, { trust }));
    expect(codeOf(kernel)).toBe('active');
    expect(await where(kernel)).toBe(expected);
  });
  it('a plugin cannot ask for less isolation than its level has, but for more', async () => {
    const asking = async (isolation: string, trust: Policy['trust']) => {
      const manifest = JSON.stringify({ ...JSON.parse(manifestOf()), isolation });
      const files = new Map([
        ['plugin.json', utf8.encode(manifest)],
        ['plugin.js', utf8.encode(CODE)],
      ]);
      return where(
        await start(
          [{ manifest, code: CODE, signature: await signPackage({ files, key }) }],
          policyOf({}, { ...(trust && { trust }) }),
        ),
      );
    };
    expect(await asking('worker', () => 'untrusted')).toBe('undefined hardened');
    expect(await asking('sandbox', () => 'trusted')).toBe('undefined hardened');
  });
  it('plugins of the application itself have no limits of untrusted ones', async () => {
    const lines = 200;
    const plugin = {
      activate(ctx: {
        logger: { info(text: string): void };
        storage: { get(key: string): Promise<unknown> };
      }) {
        for (let n = 0; n < lines; n++) ctx.logger.info(`line ${n}`);
        return ctx.storage.get('a');
      },
    };
    const manifest = { ...JSON.parse(manifestOf()), permissions: { storage: { read: true } } };
    const kernel = await start([{ manifest, plugin }], { trust: [] });
    expect(codeOf(kernel)).toBe('active');
    expect(kernel.logger.recent('com.acme.tool')).toHaveLength(lines);
    expect(await kernel.audit.entries({ topic: 'permission:used' })).toEqual([]);
  });
  it('trusted and partner plugins need no signature; untrusted ones do, with an error code', async () => {
    const unsigned: PackageInput = { manifest: manifestOf(), code: CODE };
    expect(codeOf(await start([unsigned], policyOf({}, { trust: () => 'partner' })))).toBe(
      'active',
    );
    expect(codeOf(await start([unsigned], policyOf()))).toBe('signature/missing');
    expect(codeOf(await start([unsigned], { trust: [] }))).toBe('signature/missing');
    expect(
      codeOf(await start([unsigned], { signatures: { keys: trusting(), required: 'all' } })),
    ).toBe('signature/missing');
    expect(
      codeOf(
        await start([unsigned], { trust: [], signatures: { keys: trusting(), required: 'none' } }),
      ),
    ).toBe('active');
    expect(codeOf(await start([unsigned], {}))).toBe('active');
  });
});

describe(`${runtime}: signatures`, () => {
  /** A change to a package or to the trust in it, and the step that refuses it. */
  const attacks: Readonly<Record<string, readonly [code: string, run: () => Promise<Kernel>]>> = {
    'another code': [
      'signature/file-changed',
      async () => start([{ ...(await signed()), code: `${CODE} ` }], policyOf()),
    ],
    'another manifest': [
      'signature/file-changed',
      async () => start([{ ...(await signed()), manifest: `${manifestOf()} ` }], policyOf()),
    ],
    'a manifest with more rights': [
      'signature/file-changed',
      async () =>
        start(
          [
            {
              ...(await signed()),
              manifest: JSON.stringify({
                ...JSON.parse(manifestOf()),
                permissions: { storage: { read: true } },
              }),
            },
          ],
          policyOf(),
        ),
    ],
    'the signature of another version': [
      'signature/mismatch',
      async () =>
        start([{ ...(await signed({ version: '1.0.1' })), manifest: manifestOf() }], policyOf()),
    ],
    'the signature of another plugin': [
      'signature/mismatch',
      async () =>
        start(
          [{ ...(await signed({ id: 'com.acme.other' })), manifest: manifestOf() }],
          policyOf(),
        ),
    ],
    'an unknown key': [
      'signature/unknown-key',
      async () => start([await signed({ by: other })], policyOf()),
    ],
    'a key that is called like a trusted one': [
      'signature/invalid',
      async () => start([await signed({ by: { ...other, keyId: key.keyId } })], policyOf()),
    ],
    'another key under the same name': [
      'signature/unknown-key',
      async () => start([await signed()], policyOf({ publicKey: other.publicKey })),
    ],
    'a key that is none': [
      'signature/unknown-key',
      async () => start([await signed()], policyOf({ publicKey: 'AAAA' })),
    ],
    'a key of zeros': [
      'signature/unknown-key',
      async () =>
        start([await signed()], {
          trust: [],
          signatures: {
            keys: { [key.keyId]: { publicKey: new Uint8Array(32), publisher: 'x', scopes: ['*'] } },
          },
        }),
    ],
    'a key for other plugins': [
      'signature/scope',
      async () => start([await signed()], policyOf({ scopes: ['com.other.*', 'com.acme'] })),
    ],
    'a revoked key': [
      'signature/revoked-key',
      async () => start([await signed()], policyOf({ revokedAt: Date.now() + 1e9 })),
    ],
    'an expired key': [
      'signature/expired',
      async () => start([await signed()], policyOf({ expiresAt: Date.now() - 1 })),
    ],
    'an expired signature': [
      'signature/expired',
      async () => start([await signed({ expires: Date.now() - 1 })], policyOf()),
    ],
    'a flipped bit': [
      'signature/invalid',
      async () =>
        start([await changed((file) => ({ ...file, sig: flip(String(file.sig)) }))], policyOf()),
    ],
    'a cut signature': [
      'signature/invalid',
      async () => start([await changed((file) => ({ ...file, sig: 'AAAA' }))], policyOf()),
    ],
    'another payload': [
      'signature/invalid',
      async () => start([await changed((file) => ({ ...file, payload: btoa('{}') }))], policyOf()),
    ],
    'another kind': [
      'signature/malformed',
      async () => start([await changed((file) => ({ ...file, type: 'other' }))], policyOf()),
    ],
    'what is no base64': [
      'signature/malformed',
      async () => start([await changed((file) => ({ ...file, payload: '\u0000' }))], policyOf()),
    ],
    'what is no JSON': [
      'signature/malformed',
      async () => start([{ ...(await signed()), signature: '{' }], policyOf()),
    ],
    null: [
      'signature/malformed',
      async () => start([{ ...(await signed()), signature: 'null' }], policyOf()),
    ],
    'a name that every object has': [
      'signature/unknown-key',
      async () => start([await changed((file) => ({ ...file, keyId: '__proto__' }))], policyOf()),
    ],
    'a manifest that is no text': [
      'signature/malformed',
      async () => start([{ ...(await signed()), manifest: JSON.parse(manifestOf()) }], policyOf()),
    ],
    'keys that cannot be read': [
      'signature/no-trust-store',
      async () =>
        start([await signed()], {
          trust: [],
          signatures: {
            keys: () => {
              throw new Error('no such file');
            },
          },
        }),
    ],
    'a bad signature of a trusted plugin': [
      'signature/file-changed',
      async () =>
        start(
          [{ ...(await signed()), code: `${CODE} ` }],
          policyOf({}, { trust: () => 'trusted' }),
        ),
    ],
    'a revoked version': [
      'plugin/disabled',
      async () => start([await signed()], policyOf({}, { revoked: ['com.acme.tool@<1.2.0'] })),
    ],
  };
  it.each(Object.keys(attacks))('%s: refused by name, and no code has run', async (name) => {
    const [code, run] = attacks[name] as (typeof attacks)[string];
    const kernel = await run();
    expect(codeOf(kernel)).toBe(code);
    expect(kernel.plugins.explain('com.acme.tool').because).toContain('com.acme.tool');
    expect(kernel.metrics.snapshot().calls).toBe(0);
  });

  it('are checked when a plugin is installed, and when it is loaded from storage', async () => {
    const storage = memoryStorage();
    const lasting = outliving(storage);
    const first = await start([], policyOf(), { storage: lasting });
    expect(
      await rejection(first.plugins.install(packageOf({ ...(await signed()), code: `${CODE} ` }))),
    ).toMatchObject({ code: 'signature/file-changed' });
    expect(
      await rejection(first.plugins.install(packageOf({ manifest: manifestOf(), code: CODE }))),
    ).toMatchObject({ code: 'signature/missing' });
    expect(first.plugins.list()).toEqual([]);
    await first.plugins.install(packageOf(await signed()));
    await first.stop();
    open.delete(first);
    const second = await start([], policyOf(), { storage: lasting });
    expect(codeOf(second)).toBe('active');
    await second.stop();
    open.delete(second);
    // The storage was tampered with.
    const [slot] = (await storage.keys('')).filter((one) => one.includes('code'));
    await storage.update(String(slot), (kept) => ({ ...(kept as object), code: `${CODE} ` }));
    expect(codeOf(await start([], policyOf(), { storage: lasting }))).toBe(
      'signature/file-changed',
    );
    expect(codeOf(await start([], policyOf({ revokedAt: 1 }), { storage: lasting }))).toBe(
      'signature/revoked-key',
    );
  });

  it('of an older version run again when a newer one was tried in vain: an update that failed, a canary', async () => {
    const broken = `export default { activate() { throw new Error('no'); } };`;
    const tries: readonly ((kernel: Kernel) => Promise<unknown>)[] = [
      async (kernel) =>
        rejection(
          kernel.plugins.update(
            'com.acme.tool',
            packageOf(await signed({ version: '1.1.0', code: broken })),
          ),
        ),
      async (kernel) => {
        const canary = packageOf(await signed({ version: '1.1.0' }));
        await kernel.plugins.update('com.acme.tool', canary, { canary: { share: 0.5 } });
        await kernel.plugins.rollback('com.acme.tool');
      },
      // The kernel stops while the canary runs.
      async (kernel) => {
        const canary = packageOf(await signed({ version: '1.1.0' }));
        await kernel.plugins.update('com.acme.tool', canary, { canary: { share: 0.5 } });
      },
    ];
    for (const [index, attempt] of tries.entries()) {
      const lasting = outliving(memoryStorage());
      const first = await start([await signed()], policyOf(), { storage: lasting });
      await attempt(first);
      expect(first.plugins.get('com.acme.tool')?.version, `try ${index}`).toBe('1.0.0');
      await first.stop();
      open.delete(first);
      const second = await start([await signed()], policyOf(), { storage: lasting });
      expect(codeOf(second), `try ${index}`).toBe('active');
      await second.stop();
      open.delete(second);
    }
  });

  it('of an older version are refused where a newer one has run, unless it was rolled back deliberately', async () => {
    const storage = memoryStorage();
    const lasting = outliving(storage);
    const run = async (version: string, policy = policyOf()) => {
      const kernel = await start([await signed({ version })], policy, { storage: lasting });
      const result = codeOf(kernel);
      await kernel.stop();
      open.delete(kernel);
      return result;
    };
    expect([
      await run('1.0.0'),
      await run('1.1.0'),
      await run('1.0.0'),
      await run('1.1.0'),
    ]).toEqual(['active', 'active', 'signature/rollback', 'active']);
    expect(
      await run('1.0.0', { trust: [], signatures: { keys: trusting(), rollback: 'allow' } }),
    ).toBe('active');
    const kernel = await start([await signed({ version: '1.1.0' })], policyOf(), {
      storage: lasting,
    });
    await kernel.plugins.update('com.acme.tool', packageOf(await signed({ version: '1.2.0' })));
    await kernel.plugins.rollback('com.acme.tool');
    expect(await kernel.commands.execute('com.acme.tool:version')).toBe('1.1.0');
    await kernel.stop();
    open.delete(kernel);
    expect(await run('1.1.0')).toBe('active');
  });

  it('that have expired stay expired when the clock is set back', async () => {
    const storage = memoryStorage();
    const lasting = outliving(storage);
    const now = Date.now;
    try {
      const expiresAt = now() + 60_000;
      const one = await start([await signed()], policyOf({ expiresAt }), { storage: lasting });
      expect(codeOf(one)).toBe('active');
      await one.stop();
      open.delete(one);
      Date.now = () => now() + 120_000;
      // Another key is still valid, and its check shows when the moment has passed.
      const two = await start([await signed()], policyOf(), { storage: lasting });
      expect(codeOf(two)).toBe('active');
      await two.stop();
      open.delete(two);
      Date.now = now;
      expect(
        codeOf(await start([await signed()], policyOf({ expiresAt }), { storage: lasting })),
      ).toBe('signature/expired');
    } finally {
      Date.now = now;
    }
  });

  it('can only be made for complete packages with plain paths', async () => {
    const manifest = utf8.encode(manifestOf());
    const bad: readonly Map<string, Uint8Array>[] = [
      new Map(),
      new Map([['plugin.js', manifest]]),
      new Map([['plugin.json', manifest]]),
      ...['../x', 'a//b', '/a', 'a\\b', 'aux.js', 'a./b', 'a b', 'ü', '.hidden'].map(
        (path) =>
          new Map([
            ['plugin.json', manifest],
            ['plugin.js', manifest],
            [path, manifest],
          ]),
      ),
    ];
    for (const files of bad)
      expect((await rejection(signPackage({ files, key }))).code, [...files.keys()].join()).toBe(
        'signature/malformed',
      );
    expect(
      (await rejection(signPackage({ files: new Map([['plugin.json', utf8.encode('{')]]), key })))
        .code,
    ).toMatch(/^manifest\//);
  });
});

async function changed(
  change: (file: Record<string, unknown>) => Record<string, unknown>,
): Promise<PackageInput> {
  const made = await signed();
  return {
    ...made,
    signature: JSON.stringify(change(JSON.parse(made.signature) as Record<string, unknown>)),
  };
}

const flip = (base64: string) =>
  btoa(
    String.fromCharCode(
      ...[...atob(base64)].map((letter, index) => letter.charCodeAt(0) ^ (index === 5 ? 1 : 0)),
    ),
  );
