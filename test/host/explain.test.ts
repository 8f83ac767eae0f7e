/**
 * The details of explain(): what policy, extensions and revocations removed, and what it uses.
 */

import type { Kernel, KernelOptions, PackageInput } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'worker', createHost };
const start = (packages: readonly PackageInput[], options: KernelOptions = {}): Promise<Kernel> =>
  startKernel(setting, packages, options);
const needing = (contract: string, optional = false) => {
  const ref = `{ $id: '${contract}', ping: { kind: 'command', id: '${contract.slice(0, contract.indexOf('@'))}:ping' } }`;
  return optional ? `{ optional: ${ref} }` : ref;
};

describe(`${runtime}: explain`, () => {
  it("lists what policy removed from a plugin's requests, and what was revoked", async () => {
    const asks = {
      network: { fetch: ['https://a.example', 'https://b.example'] },
      events: { emit: ['user:*'] },
      storage: { read: true, write: true, quota: '10MB' },
    };
    const kernel = await start(
      [
        pluginOf('test.a', '', { permissions: asks, resources: { memory: '200MB', cpu: 0.5 } }),
        pluginOf('test.b', ''),
      ],
      {
        policy: {
          permissions: {
            network: { fetch: ['https://a.example'] },
            events: { emit: ['user:*'] },
            storage: { read: true, write: true, quota: '1MB' },
          },
          resources: { default: { memory: '100MB' } },
        },
      },
    );
    await kernel.permissions.revoke('test.a', 'events.emit', 'user:*');
    const { because, cut } = kernel.plugins.explain('test.a');
    expect(cut).toEqual({
      policy: { 'network.fetch': ['https://b.example'], 'storage.quota': ['10000000'] },
      revoked: { 'events.emit': ['user:*'] },
      resources: { memory: { asked: 200_000_000, given: 100_000_000 } },
    });
    for (const told of [
      "policy doesn't allow all that it asks for: network.fetch (https://b.example), storage.quota (10000000)",
      'revoked were events.emit (user:*)',
      'policy gives it 100000000 of memory',
    ])
      expect(because).toContain(told);
    expect(kernel.plugins.explain('test.b').cut).toBeUndefined();
  });

  it('names the isolation of a plugin that asked for another', async () => {
    const kernel = await startKernel({ isolation: 'inline' }, [pluginOf('test.a', '')]);
    expect(kernel.plugins.explain('test.a').cut).toEqual({
      isolation: { asked: 'worker', given: 'inline' },
    });
  });

  it('lists what a running plugin uses: dependencies, providers of its needs, and what is in flight', async () => {
    const kernel = await start([
      pluginOf(
        'test.base',
        `ctx.commands.handle('ping', () => 'pong');`,
        { provides: ['test.base@1'] },
        `provides: [${needing('test.base@1')}],`,
      ),
      pluginOf('test.lib', '', { version: '1.2.0' }),
      pluginOf(
        'test.top',
        `ctx.commands.handle('wait', () => new Promise(() => {}));`,
        {
          needs: ['test.base@^1', 'test.none@^1', 'test.unused@^2'],
          dependencies: { 'test.lib': '^1.0.0' },
        },
        `needs: { base: ${needing('test.base@1')}, none: ${needing('test.none@1', true)} },`,
      ),
    ]);
    kernel.commands.execute('test.top:wait').catch(() => {});
    const { because, uses } = kernel.plugins.explain('test.top');
    expect(uses).toMatchObject({
      plugins: [
        { id: 'test.base', version: '1.0.0', state: 'active', contract: 'test.base@1' },
        { id: 'test.lib', version: '1.2.0', state: 'active' },
      ],
      absent: ['test.none@1', 'test.unused@^2'],
      pending: 1,
      requests: 0,
      streams: 0,
    });
    expect(because).toMatch(
      /test\.top is active since .*; it uses test\.base@1 of test\.base@1\.0\.0, test\.lib@1\.2\.0; no plugin or host provides test\.none@1, test\.unused@\^2, which it can do without/,
    );
    await kernel.plugins.deactivate('test.top', { drain: 0 });
    expect(kernel.plugins.explain('test.top').uses).toBeUndefined();
  });
});
