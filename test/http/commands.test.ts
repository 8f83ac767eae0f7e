/** Exposed commands, and their OpenAPI document. */
import { describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { pluginOf } from '../support/plugins.ts';
import { post, problem, serve } from './serve.ts';

const input = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
const notes = pluginOf(
  'test.notes',
  `ctx.commands.handle('add', ({ text }, call) => ({ text, by: call.user, trace: call.traceparent }));
   ctx.commands.handle('nothing', () => {});
   ctx.commands.handle('big', () => 10n);
   ctx.commands.handle('tail', async function* () { yield 1; });
   ctx.commands.handle('hidden', () => 'hidden');
   ctx.commands.handle('fail', () => { throw new Error('the password is hunter2'); });`,
  {
    contributes: {
      commands: [
        { id: 'add', title: 'Add a note', input, output: { type: 'object' } },
        { id: 'hidden' },
      ],
    },
  },
);
const options = {
  expose: [
    'test.notes:add',
    'test.notes:nothing',
    'test.notes:big',
    'test.notes:tail',
    'test.notes:f*',
  ],
  authenticate: ({ headers }: Request) => headers.get('authorization') ?? undefined,
};
const ada = { authorization: 'ada' };
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe(`${runtime}: commands over HTTP`, () => {
  it('take JSON and answer JSON, for a user and a trace', async () => {
    const { ask } = await serve([notes], options);
    const headers = { ...ada, traceparent: TRACE };
    const added = await ask('/commands/test.notes:add', post({ text: 'hi' }, headers));
    expect(added.status).toBe(200);
    const answer = (await added.json()) as Record<string, unknown>;
    expect(answer).toMatchObject({ text: 'hi', by: 'ada' });
    expect(answer.trace).toContain('4bf92f3577b34da6a3ce929d0e0e4736');
    const nothing = await ask('/commands/test.notes%3Anothing', { method: 'POST', headers: ada });
    expect([nothing.status, await nothing.text()]).toEqual([204, '']);
  });

  it('are not there unless they are exposed, and not without a user', async () => {
    const { ask } = await serve([notes], options);
    for (const id of ['test.notes:hidden', 'test.none:add', 'test.notes:add@test.other', 'host:x'])
      expect(await problem(await ask(`/commands/${id}`, post({}, ada)))).toEqual([
        404,
        'call/unknown-command',
      ]);
    const anonymous = await ask('/commands/test.notes:add', post({ text: 'hi' }));
    expect(anonymous.headers.get('www-authenticate')).toBe('Bearer');
    expect(await problem(anonymous)).toEqual([401, 'call/unauthenticated']);
    const closed = await serve([notes]);
    expect((await closed.ask('/commands/test.notes:add', post({ text: 'hi' }, ada))).status).toBe(
      404,
    );
    expect((await closed.ask('/openapi.json', { headers: ada })).status).toBe(404);
    const noUsers = await serve([notes], { expose: ['test.notes:*'] });
    expect((await noUsers.ask('/commands/test.notes:add', post({ text: '' }))).status).toBe(401);
  });

  it('fail with the status that fits', async () => {
    const { ask } = await serve([notes], options);
    const send = async (name: string, init: RequestInit) =>
      problem(await ask(`/commands/test.notes:${name}`, init));
    expect(await send('add', post({ text: 1 }, ada))).toEqual([400, 'call/invalid-input']);
    expect(await send('add', { ...post({}, ada), body: '{' })).toEqual([400, 'http/not-json']);
    const form = { method: 'POST', headers: ada, body: new URLSearchParams({ text: 'a' }) };
    expect(await send('add', form)).toEqual([415, 'http/unsupported-type']);
    const bare = { method: 'POST', headers: ada, body: new Uint8Array([123, 125]) };
    expect(await send('add', bare)).toEqual([415, 'http/unsupported-type']);
    expect(await send('big', post({}, ada))).toEqual([502, 'call/invalid-output']);
    expect(await send('tail', post({}, ada))).toEqual([502, 'call/invalid-output']);
    const failed = await ask('/commands/test.notes:fail', post({}, ada));
    expect(await failed.clone().text()).not.toContain('hunter2');
    expect(await problem(failed)).toEqual([500, 'call/failed']);
  });

  it('hide what the application throws while it looks for the user', async () => {
    const { ask } = await serve([notes], {
      ...options,
      authenticate: () => {
        throw 'the database password is hunter2';
      },
    });
    const failed = await ask('/commands/test.notes:add', post({ text: 'a' }));
    expect(await failed.clone().text()).not.toContain('hunter2');
    expect(await problem(failed)).toEqual([500, 'call/failed']);
  });

  it('are refused when the application does not tell the user, the tenant or the right in time', async () => {
    const never = () => new Promise<never>(() => {});
    for (const [hanging, path] of [
      [{ authenticate: never }, '/commands/test.notes:nothing'],
      [{ tenant: never }, '/commands/test.notes:nothing'],
      [{ events: { topics: ['a:b'], authorize: never } }, '/events?topic=a:b'],
    ] as const) {
      const { ask } = await serve([notes], {
        ...options,
        ...hanging,
        limits: { timeout: 20, requests: 1 },
      });
      // The second one is let in, because the first one is over.
      for (const init of [post(undefined), post(undefined)]) {
        const answer = await ask(path, path.startsWith('/events') ? { headers: ada } : init);
        expect(await problem(answer)).toEqual([504, 'call/timeout']);
      }
    }
  });

  it('wait for the application up to days, and ask for its answer once', async () => {
    const limits = { timeout: 2 ** 31 };
    const later = () => new Promise<string>((resolve) => setTimeout(resolve, 5, 'ada'));
    const named = await serve([notes], { ...options, authenticate: later, limits });
    const added = await named.ask('/commands/test.notes:add', post({ text: 'a' }));
    expect(await added.json()).toMatchObject({ by: 'ada' });
    let asked = 0;
    // A thenable of a library, which is no promise.
    const refuses = {
      // biome-ignore lint/suspicious/noThenProperty: what is tested.
      then(_: unknown, reject: (error: Error) => void) {
        asked += 1;
        reject(new Error('no user'));
      },
    } as unknown as Promise<string>;
    const failing = await serve([notes], { ...options, authenticate: () => refuses, limits });
    const refused = await failing.ask('/commands/test.notes:add', post({ text: 'a' }));
    expect(await problem(refused)).toEqual([500, 'call/failed']);
    expect(asked).toBe(1);
  });

  it('are described by OpenAPI 3.1, as far as they are exposed', async () => {
    const { ask } = await serve([notes], options);
    expect((await ask('/openapi.json')).status).toBe(401);
    const document = await (await ask('/openapi.json', { headers: ada })).json();
    expect(document).toMatchObject({
      openapi: '3.1.0',
      paths: {
        '/commands/test.notes:add': {
          post: {
            operationId: 'test.notes:add',
            summary: 'Add a note',
            requestBody: { content: { 'application/json': { schema: input } } },
          },
        },
      },
    });
    expect(JSON.stringify(document)).not.toContain('hidden');
  });
});
