/**
 * Why a call isn't answered, and why something is not permitted: the error names the reason and
 * what to change where.
 */

import type { KernelOptions, PackageInput } from '@plinth/kernel';
import { command, contract } from '@plinth/sdk';
import { DataProvider, MessageHandler } from '@plinth/sdk/contracts';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'inline', createHost };
const start = (packages: readonly PackageInput[], options: KernelOptions = {}) =>
  startKernel(setting, packages, options);

const HANDLE = `ctx.hooks.handle('plinth.message-handler:canHandle', () => 1); ctx.commands.handle('plinth.message-handler:handle', () => 'handled');`;
const handler = (id: string, code = HANDLE, manifest: Parameters<typeof pluginOf>[2] = {}) =>
  pluginOf(id, code, {
    provides: ['plinth.message-handler@1'],
    permissions: { contracts: { provide: ['plinth.message-handler'] } },
    ...manifest,
  });

describe(`${runtime}: open contracts give the same reasons as owned ones`, () => {
  const message = { type: 'x', payload: 1 };

  it('disabled, failed, stopped and denied providers are named, each with its reason', async () => {
    const kernel = await start(
      [
        handler('test.off'),
        handler('test.broken', `throw new Error('out of order');`),
        handler('evil.one'),
      ],
      { policy: { deny: ['evil.*'] } },
    );
    expect(await kernel.commands.execute('plinth.message-handler:handle', message)).toBe('handled');
    await kernel.plugins.disable('test.off');
    const error = await rejection(kernel.client(MessageHandler).handle(message as never));
    expect(error).toMatchObject({
      code: 'plugin/unavailable',
      plugin: 'test.off',
      details: {
        command: 'plinth.message-handler:handle',
        providers: ['test.off', 'test.broken', 'evil.one'],
      },
    });
    expect(error.message).toMatch(
      /test\.off is disabled: enable it first; .*test\.broken failed to activate: .*out of order; evil\.one 1\.0\.0 may not run: the policy/,
    );
    expect(
      await rejection(
        kernel.client(MessageHandler, { provider: 'test.broken' }).handle(message as never),
      ),
    ).toMatchObject({
      code: 'plugin/unavailable',
      plugin: 'test.broken',
      message: expect.stringContaining('out of order'),
    });
    await kernel.plugins.enable('test.off');
    await kernel.plugins.deactivate('test.off');
    expect(
      (
        await rejection(
          kernel.client(MessageHandler, { provider: 'test.off' }).handle(message as never),
        )
      ).message,
    ).toMatch(/test\.off was deactivated/);
  });

  it('a missing provider, a provider that is not installed and one that provides something else are distinguished', async () => {
    const kernel = await start([pluginOf('test.other', '')]);
    expect(
      await rejection(kernel.commands.execute('plinth.data-provider:query', {})),
    ).toMatchObject({
      code: 'call/unknown-command',
      message:
        'no plugin or host answers plinth.data-provider:query: no plugin here provides plinth.data-provider',
    });
    expect(
      (await rejection(kernel.client(DataProvider, { provider: 'test.gone' }).sources())).message,
    ).toContain("no plugin 'test.gone' is installed");
    expect(
      (await rejection(kernel.client(DataProvider, { provider: 'test.other' }).sources())).message,
    ).toContain("test.other doesn't provide plinth.data-provider");
  });

  it('a provider that promises it and may not answer it is named, with the line to add', async () => {
    const kernel = await start([handler('test.greedy', '', { permissions: {} })], {
      policy: { permissions: { contracts: { provide: ['plinth.*'] } } },
    });
    expect(
      (await rejection(kernel.commands.execute('plinth.message-handler:handle', message))).message,
    ).toContain(
      `test.greedy may not: its manifest doesn't ask for it; add to plugin.json: "permissions":{"contracts":{"provide":["plinth.message-handler"]}}`,
    );
  });

  it('a message to an unavailable plugin gets the reason', async () => {
    const kernel = await start([pluginOf('test.mute', '')]);
    const why = async (to: string) => (await rejection(kernel.messaging.send(to, message))).message;
    expect(await why('test.mute')).toMatch(
      /test\.mute takes no messages: it runs, and has not registered a handler/,
    );
    await kernel.plugins.disable('test.mute');
    expect(await why('test.mute')).toMatch(/test\.mute takes no messages: test\.mute is disabled/);
    expect(await why('test.gone')).toMatch(/no plugin 'test\.gone' is installed/);
  });
});

describe(`${runtime}: broken promises are reported to their callers`, () => {
  const One = contract('test.a@1', { ping: command({}), pong: command({}) });
  const Two = contract('test.a@2', { ping: command({}) });
  const providing = (version: number, members: string) =>
    `ctx.provide({ $id: 'test.a@${version}', ping: { kind: 'command', id: 'test.a:ping' } }, { ${members} });`;

  it('a contract that the code does not register', async () => {
    const kernel = await start([
      pluginOf('test.a', '', {
        provides: ['test.a@1'],
        contributes: { commands: [{ id: 'extra' }] },
      }),
      handler('test.h', ''),
    ]);
    expect(await rejection(kernel.client(One).ping())).toMatchObject({
      code: 'call/unknown-command',
      plugin: 'test.a',
      details: { promised: 'test.a@1' },
      message: expect.stringMatching(
        /test\.a is active and has not registered it, though its manifest promises it in 'provides' \(test\.a@1\)/,
      ),
    });
    expect(
      (await rejection(kernel.commands.execute('plinth.message-handler:handle', {}))).message,
    ).toMatch(
      /test\.h is active and has not registered it, though its manifest promises it in 'provides' \(plinth\.message-handler@1\)/,
    );
  });

  it('a misspelt command of a contract, with the one that was meant', async () => {
    const kernel = await start([
      pluginOf('test.a', providing(1, 'ping: () => 1'), { provides: ['test.a@1'] }),
    ]);
    expect(await rejection(kernel.commands.execute('test.a:pingg'))).toMatchObject({
      code: 'call/unknown-command',
      message: expect.stringContaining("did you mean 'test.a:ping'?"),
    });
  });

  it('a command that exists only in the manifest', async () => {
    const kernel = await start([
      pluginOf('test.a', '', { contributes: { commands: [{ id: 'extra' }] } }),
    ]);
    expect((await rejection(kernel.commands.execute('test.a:extra'))).message).toMatch(
      /though its manifest promises it in 'contributes\.commands': register it with ctx\.commands\.handle\('extra'/,
    );
  });

  it.each(['registers', 'states'])(
    'another version than the manifest says, which the code %s',
    async (how) => {
      const members =
        how === 'states'
          ? `provides: [{ $id: 'test.a@2', ping: { kind: 'command', id: 'test.a:ping' } }],`
          : '';
      const kernel = await start([
        pluginOf('test.a', providing(2, `ping: () => 'pong'`), { provides: ['test.a@1'] }, members),
      ]);
      for (const client of [kernel.client(One), kernel.client(Two)]) {
        const { code, message } = await rejection(client.ping());
        expect(code).toMatch(/^plugin\/(unavailable|unsatisfied)$/);
        for (const named of ['test.a@1', 'test.a@2', 'test.a failed to'])
          expect(message).toContain(named);
      }
    },
  );

  it('a client of a missing version gets the existing ones', async () => {
    const kernel = await start([
      pluginOf('test.a', providing(1, `ping: () => 'pong'`), { provides: ['test.a@1'] }),
    ]);
    expect(await kernel.client(One).ping()).toBe('pong');
    expect((await rejection(kernel.client(Two).ping())).message).toContain(
      'no plugin answers test.a:ping as test.a@2 does: found test.a@1.0.0 (its manifest provides test.a@1)',
    );
  });
});

describe(`${runtime}: a denial names which of its three reasons applies, and the line to add`, () => {
  const asker = (permissions: object) =>
    pluginOf(
      'test.asker',
      `ctx.commands.handle('emit', () => ctx.events.emit('user:created', 1));
       ctx.commands.handle('store', () => ctx.storage.set('k', 1));
       ctx.commands.handle('fetch', () => ctx.fetch('https://api.example.com/v1/x?y=1'));
       ctx.commands.handle('call', () => ctx.commands.execute('test.other:x'));`,
      { permissions },
    );
  const denied = async (kernel: Awaited<ReturnType<typeof start>>, name: string) => {
    const events: unknown[] = [];
    const listening = kernel.events.on('permission:denied', ({ payload }) =>
      events.push(payload.reason),
    );
    const { code, message, details } = await rejection(
      kernel.commands.execute(`test.asker:${name}`),
    );
    listening.dispose();
    expect([code, events]).toEqual(['permission/denied', [details?.reason]]);
    return { message, reason: details?.reason, add: details?.add };
  };

  it('the manifest does not ask for it', async () => {
    const kernel = await start([asker({})]);
    const lines = {
      emit: '"permissions":{"events":{"emit":["user:created"]}}',
      store: '"permissions":{"storage":{"write":true}}',
      fetch: '"permissions":{"network":{"fetch":["https://api.example.com"]}}',
      call: '"permissions":{"commands":{"execute":["test.other:x"]}}',
    };
    for (const [name, add] of Object.entries(lines)) {
      const denial = await denied(kernel, name);
      expect(denial).toMatchObject({ reason: 'manifest', add });
      expect(denial.message).toContain(
        `its manifest doesn't ask for it; add to plugin.json: ${add}`,
      );
      // The suggested line works.
      const able = await start([asker(JSON.parse(`{${add}}`).permissions)]);
      expect(
        (await rejection(
          able.commands.execute(`test.asker:${name}`).then(() => Promise.reject(new Error('done'))),
        )) as { code?: string },
      ).not.toMatchObject({
        code: 'permission/denied',
      });
    }
  });

  it('policy does not allow it', async () => {
    const kernel = await start([asker({ events: { emit: ['user:*'] } })], {
      policy: { permissions: { events: { emit: ['app:*'] } } },
    });
    const denial = await denied(kernel, 'emit');
    expect(denial).toMatchObject({
      reason: 'policy',
      add: '"permissions":{"events":{"emit":["user:created"]}}',
    });
    expect(denial.message).toMatch(
      /its manifest asks for it, and policy doesn't allow it; the application allows it by adding to its 'policy' option: "permissions"/,
    );
    // Neither asks for it: both lines are needed.
    expect((await denied(kernel, 'store')).message).toMatch(
      /its manifest doesn't ask for it; .*; policy doesn't allow it either$/,
    );
    expect(
      (await rejection(kernel.permissions.grant('test.asker', 'storage.write'))).details,
    ).toMatchObject({ reason: 'policy', add: '"permissions":{"storage":{"write":true}}' });
  });

  it('it was revoked', async () => {
    const kernel = await start([asker({ events: { emit: ['user:*'] } })]);
    await kernel.commands.execute('test.asker:emit');
    await kernel.permissions.revoke('test.asker', 'events.emit', 'user:*');
    const denial = await denied(kernel, 'emit');
    expect(denial).toMatchObject({
      reason: 'revoked',
      add: `kernel.permissions.grant('test.asker', 'events.emit', "user:created")`,
    });
    await kernel.permissions.grant('test.asker', 'events.emit', 'user:created');
    await kernel.commands.execute('test.asker:emit');
  });

  it('on behalf of another: the plugin without the right is named, and why', async () => {
    const kernel = await start([
      pluginOf(
        'test.asker',
        `ctx.commands.handle('call', () => ctx.commands.execute('test.middle:go'));`,
        { permissions: { commands: { execute: ['test.middle:*'] } } },
      ),
      pluginOf(
        'test.middle',
        `ctx.commands.handle('go', (_, call) => ctx.events.emit('user:created', 1, call));`,
        { permissions: { events: { emit: ['user:*'] } } },
      ),
    ]);
    const denial = await denied(kernel, 'call');
    expect(denial.message).toMatch(
      /test\.middle may not use events\.emit for 'user:created' on behalf of test\.asker, which may not itself: its manifest doesn't ask for it; add to plugin\.json: /,
    );
  });
});
