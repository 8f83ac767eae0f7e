/** Tells which bytes a plugin of a Node kernel was loaded from, as a command of the host. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kernel } from '@plinth/host-node';
import { command, contract } from '@plinth/sdk';
import { createError, sha256 } from '@plinth/sdk/contract';
import * as v from 'valibot';

/** The page calls it over HTTP, by its id. */
export const Artefacts = contract('demo.artefacts@1', {
  digest: command({
    input: v.object({ plugin: v.pipe(v.string(), v.maxLength(128)) }),
    output: v.object({ sha256: v.string() }),
    idempotent: true,
  }),
});

/** Answers it for the plugins of a folder. */
export function provideArtefacts(kernel: Kernel): void {
  kernel.provide(Artefacts, {
    async digest({ plugin }) {
      const { origin, manifest } = kernel.plugins.get(plugin) ?? {};
      if (origin === undefined || manifest === undefined)
        throw createError('plugin/not-found', `there is no plugin '${plugin}'`);
      const bytes = await readFile(join(origin, manifest.main));
      return { sha256: await sha256(new Uint8Array(bytes)) };
    },
  });
}
