/** What the page takes from its server besides its own scripts. */

/** Where the page is served: `/`, or a path below it (`vite build --base=/notes/`). */
const BASE = new URL(import.meta.env.BASE_URL, document.baseURI);

/** The URL of a file of `public`. */
export const served = (path: string): string => new URL(path, BASE).href;

/** The URL of a version of a plugin that isn't built into the page. A store would say it. */
export const archiveOf = (plugin: string, version: string): string =>
  served(`plugins/${plugin}-${version}.plinth`);

/** As much of Trusted Types as is used. */
interface TrustedTypes {
  createPolicy(name: 'default', rules: { createScriptURL(url: string): string }): unknown;
}

/**
 * Under `require-trusted-types-for 'script'` a URL becomes a script only through a policy. This one
 * lets pass the worker that plugins run in, and the service worker.
 */
export function trustOwnScripts(): void {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  const worker = /^assets\/plugin-worker-[\w-]+\.js$/;
  trustedTypes?.createPolicy('default', {
    createScriptURL(url) {
      const { href } = new URL(url, document.baseURI);
      const path = href.startsWith(BASE.href) ? href.slice(BASE.href.length) : '';
      if (path === 'service-worker.js' || worker.test(path)) return href;
      throw new TypeError(`${href} is no script of this page`);
    },
  });
}

/** Keeps the built page on the device, so that it starts without a network. */
export function startOffline(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  navigator.serviceWorker
    .register(served('service-worker.js'))
    .catch((error: unknown) => console.error('the page is not kept for offline use:', error));
}
