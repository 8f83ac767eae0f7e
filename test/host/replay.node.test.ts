/** Recordings of guests in processes of their own, and of what they fetch. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nodeHost } from '@plinth/host-node';
import { replay } from '@plinth/kernel/replay';
import { expect, it } from 'vitest';
import { record, recorded, replayConformance, startRecorder } from './replay-conformance.ts';

replayConformance('node process', { isolation: 'process', createHost: nodeHost });

it('node: a replay fetches nothing: it has the recorded answers', async () => {
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    response.end(`answer ${asked}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const build = recorded(
    `ctx.commands.handle('get', async () => (await ctx.fetch('${origin}/x')).text());`,
    { permissions: { network: { fetch: [origin] } } },
  );
  const kernel = await startRecorder({ isolation: 'worker', createHost: nodeHost }, [build]);
  const recording = await record(kernel, async (ask) => {
    expect(await ask('get')).toBe('answer 1');
    expect(await ask('get')).toBe('answer 2');
  });
  const result = await replay(recording, build, { host: nodeHost() });
  expect(result.divergence).toBeUndefined();
  expect(asked).toBe(2);
  server.close();
});
