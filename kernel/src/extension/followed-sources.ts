/** Follows the sources that tell what changes: their packages replace the plugins that run. */

import type { PluginSource } from '../host.js';
import type { Remembering } from './follower.js';
import type { Followers } from './followers.js';
import { makeExtension } from './make-extension.js';
import type { AnyFactory } from './statics.js';

/**
 * The extension that follows sources from the start of the kernel to its stop. The sources are
 * watched once; each tenant takes in what they report.
 *
 * @param sources all of the kernel, of which some can be watched.
 * @param installer the installer of this kernel, which remembers what is taken in.
 */
export const followed = makeExtension(
  { name: 'followed-sources', uses: ['core', 'steer'] },
  (sources: readonly PluginSource[], installer?: AnyFactory) => {
    const watched = () => sources.filter(({ watch }) => watch !== undefined);
    let followers: Followers | undefined;
    return {
      install(port) {
        let leave: (() => Promise<void>) | undefined;
        port.on('started', async () => {
          if (watched().length === 0) return;
          const [{ Followers: Made }, { createFollower }] = await Promise.all([
            import('./followers.js'),
            import('./follower.js'),
          ]);
          const remembering = installer && (port.find(installer) as Remembering | undefined);
          followers ??= new Made();
          leave = followers.add(createFollower(port, remembering));
          followers.begin(watched());
        });
        port.on('stopping', () => leave?.());
        port.inspect({ diagnostics: () => ({ sources: watched().map(({ origin }) => origin) }) });
      },
      close: () => followers?.close(),
    };
  },
);
