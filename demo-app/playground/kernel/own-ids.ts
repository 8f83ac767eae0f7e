/**
 * The ids of the page's own plugins are for its own files. Code from elsewhere can't have one, also
 * with consent: the page trusts such an id, and runs what has it outside of the sandbox.
 */
import { defineExtension } from '@plinth/kernel/extension';
import { isOwn } from './demo-plugins.ts';

/** Folders of the page that have its plugins. */
const FOLDERS = ['./plugins/', './updates/'];
/** What the kernel keeps was let in when it was installed. */
const KEPT = 'installed:';

/** @param page the address of the page. */
export const ownIds = defineExtension({ name: 'own-ids', uses: ['verify'] }, (page: string) => ({
  install(port) {
    const places = [KEPT, ...FOLDERS.map((folder) => new URL(folder, page).href)];
    port.verify({
      manifest({ manifest: { id }, package: { origin } }) {
        if (isOwn(id) && !places.some((place) => origin.startsWith(place)))
          throw new Error(`${id} is an id of this page, and code from elsewhere can't have it`);
        return undefined;
      },
    });
  },
}));
