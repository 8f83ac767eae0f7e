/**
 * The warm-up runs a whole small plugin life inside a guest that waits for its first plugin. The
 * engine loads and compiles the code of an activation, which is most of what an activation costs in
 * a fresh thread.
 */
import { createSharedError } from '../contract/errors.js';
import type { Manifest } from '../contract/manifest-schema.js';
import type { LoadSpec, Registration } from '../contract/protocol.js';
import { endpointPair } from '../rpc/endpoint.js';
import { Link } from '../rpc/link.js';
import { bootGuest } from './boot.js';
import { importModule } from './import-module.js';

const ID = 'plinth.warm-up';
const CODE = [
  "const schema = { '~standard': { version: 1, vendor: 'plinth', validate: (value) => ({ value }) } };",
  `const Echo = { $id: '${ID}@1', echo: { kind: 'command', id: '${ID}:echo', input: schema, output: schema, errors: {}, idempotent: true } };`,
  `export default { provides: [Echo], activate(ctx) { ctx.provide(Echo, { echo: (value) => value }); ctx.events.on('${ID}:*', () => {}); } };`,
].join(' ');

/** Warms a guest up. Never rejects. It has no effect outside, and leaves nothing behind. */
export async function warmUp(defer: (task: () => void) => void): Promise<void> {
  try {
    await perform(defer);
  } catch {
    // A guest that can't warm up, for example because imports are forbidden, is only slower. Its
    // plugin will report why.
  }
}

async function perform(defer: (task: () => void) => void): Promise<void> {
  const [kernelEnd, guestEnd] = endpointPair();
  const guest = bootGuest(guestEnd, { defer, evaluate: importModule });
  let handle = 0;
  const kernel = new Link({
    endpoint: kernelEnd,
    stacks: false,
    serve: () => undefined,
    note() {},
    control: {
      register: async (registration: Registration) => {
        if (registration.kind === 'command') handle = registration.handle;
      },
      unregister: async () => {},
    },
    onBreach() {},
    defer,
  });
  const manifest = { id: ID, version: '0.0.0', main: 'plugin.js', permissions: {} } as Manifest;
  await kernel.call('load', { manifest, tenant: ID, requests: ID, code: CODE } satisfies LoadSpec);
  await kernel.call('configure', {});
  await kernel.call('needs', []);
  await kernel.call('activate');
  for (let n = 0; n < 8; n++) {
    await new Promise<void>((resolve) => {
      kernel.request(handle, { n, text: ID }, n, { sequence: 0, settle: () => resolve() });
    });
  }
  await kernel.call('deactivate', 'stop');
  guest.close();
  kernel.close(createSharedError('guest/terminated', 'the warm-up is over'));
}
