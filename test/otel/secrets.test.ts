/** What plugins choose may hold a secret. None of it is exported. */
import { otel } from '@plinth/otel/host';
import { expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { metering, tracing } from './sdk.ts';

const SECRET = 'hunter2IsNoName';

const talking = pluginOf(
  'test.talking',
  `ctx.commands.handle('open', async () => {
     const secret = await ctx.secrets.get('token');
     const fail = (more) => () => { throw Object.assign(new Error('bad'), more); };
     ctx.commands.handle('code', fail({ code: secret }));
     ctx.commands.handle('name', fail({ name: secret }));
     ctx.commands.handle(secret, () => 1);
     ctx.commands.handle('emit', () => ctx.events.emit(secret, 1));
     ctx.commands.handle('report', () => ctx.commands.execute('plinth.telemetry:record', {
       spans: [{ name: secret, ago: 1, took: 1, attributes: { label: secret }, error: secret }],
       metrics: [
         { kind: 'counter', name: 'seen', points: [{ value: 1, attributes: { label: secret } }] },
       ],
     }));
   });`,
  {
    permissions: {
      commands: { execute: ['plinth.telemetry:*'] },
      secrets: { read: ['token'] },
    },
  },
);

it(`${runtime}: neither spans nor metrics tell a secret that a plugin chooses as a name`, async () => {
  const { tracer, span, spans } = tracing();
  const { meter, all } = metering();
  const kernel = await startKernel({ isolation: 'worker', createHost }, [talking], {
    extensions: [otel({ tracer, meter })],
  });
  await kernel.secrets.set('test.talking', 'token', SECRET);
  await kernel.commands.execute('test.talking:open');
  for (const name of ['code', 'name'])
    await rejection(kernel.commands.execute(`test.talking:${name}`));
  for (const name of [SECRET, 'emit', 'report'])
    await kernel.commands.execute(`test.talking:${name}`);
  // What a plugin reports is recorded in one go.
  await span('[secret]');
  expect((await span('test.talking:code')).attributes['error.type']).toBe('[secret]');
  const exported = JSON.stringify([
    spans().map(({ name, attributes, status }) => [name, attributes, status]),
    await all(),
  ]);
  expect(exported).toContain('test.talking:[secret]');
  expect(exported).toContain('test.talking.seen');
  expect(exported).not.toContain(SECRET);
});
