/** Invalid policies: nothing starts, and the error names the option. */

import { createKernel, type Kernel, type Policy, packageSource } from '@plinth/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { rejection } from '../support/kernels.ts';

describe(`${runtime}: a policy`, () => {
  let kernel: Kernel | undefined;
  afterEach(() => kernel?.stop());
  const make = (policy: unknown) =>
    createKernel({ sources: [packageSource([])], policy: policy as Policy }).then((made) => {
      kernel = made;
    });

  it.each<readonly [what: string, option: string, policy: unknown]>([
    ['that is none', 'policy', 'strict'],
    ['with a misspelt option', 'policy.denny', { denny: [] }],
    [
      'that allows what it denies',
      'policy.allow[1]',
      { allow: ['com.acme.notes', 'com.evil.x'], deny: ['com.evil.*'] },
    ],
    [
      'that allows and denies the same',
      'policy.allow[0]',
      { allow: ['com.acme.*'], deny: ['com.acme.*'] },
    ],
    ['whose list is a text', 'policy.deny', { deny: 'com.acme.*' }],
    ['with a star in the middle', 'policy.deny[0]', { deny: ['com.*.notes'] }],
    ['that revokes by what is no range', 'policy.revoked[0]', { revoked: ['com.acme.notes@<<1'] }],
    ['that revokes no plugin', 'policy.revoked[0]', { revoked: [''] }],
    [
      'with a misspelt permission',
      'policy.permissions.netwrok',
      { permissions: { netwrok: { fetch: ['*'] } } },
    ],
    [
      'with a permission that there is not',
      'policy.permissions.network.listen',
      { permissions: { network: { listen: ['*'] } } },
    ],
    [
      'with a scope that is no URL',
      'policy.permissions.network.fetch[0]',
      { permissions: { network: { fetch: ['api.example.com'] } } },
    ],
    [
      'with a quota that is no size',
      'policy.permissions.storage.quota',
      { permissions: { storage: { write: true, quota: 'much' } } },
    ],
    ['with a chain of another kind', 'policy.chain', { chain: 'union' }],
    ['with a level that there is not', 'policy.trust[0].level', { trust: [{ level: 'friend' }] }],
    [
      'with a rule about what cannot be asked',
      'policy.trust[0].plugin',
      { trust: [{ level: 'partner', plugin: ['a'] }] },
    ],
    [
      'with a rule that can never apply',
      'policy.trust[1]',
      { trust: [{ level: 'untrusted' }, { level: 'trusted', plugins: ['com.acme.*'] }] },
    ],
    [
      'with two rules for the same',
      'policy.trust[1]',
      {
        trust: [
          { level: 'trusted', plugins: ['a.b'] },
          { level: 'untrusted', plugins: ['a.b'] },
        ],
      },
    ],
    [
      'that trusts publishers and no keys',
      'policy.trust[0]',
      { trust: [{ level: 'trusted', publishers: ['Acme'] }] },
    ],
    ['with signatures and no keys', 'policy.signatures.keys', { signatures: {} }],
    ['whose keys are a text', 'policy.signatures.keys', { signatures: { keys: 'MCowBQ' } }],
    [
      'that requires signatures of some',
      'policy.signatures.required',
      { signatures: { keys: {}, required: 'some' } },
    ],
    [
      'with a misspelt option of signatures',
      'policy.signatures.require',
      { signatures: { keys: {}, require: 'all' } },
    ],
  ])('%s is refused: %s', async (_what, option, policy) => {
    expect(await rejection(make(policy))).toMatchObject({
      name: 'PluginConfigurationError',
      code: 'kernel/invalid-option',
      details: { option },
    });
  });

  it('that is valid is accepted', async () => {
    await make({
      allow: ['com.acme.*'],
      deny: ['com.acme.evil'],
      shared: [],
      permissions: {
        network: { fetch: ['GET https://api.example.com 10/s', '*'] },
        storage: { read: true, write: ['a:*'], quota: '5MB' },
        wasm: true,
      },
      chain: 'own',
      trust: [
        { level: 'trusted', publishers: ['Acme'] },
        { level: 'partner', origins: ['https://x.test/*'] },
        { level: 'untrusted' },
      ],
      signatures: { keys: () => ({}), required: 'all', rollback: 'allow' },
      revoked: ['com.acme.old', 'com.acme.notes@<1.2.0'],
      resources: { default: { cpu: 0.5 } },
    });
    expect(kernel?.plugins.list()).toEqual([]);
  });
});
