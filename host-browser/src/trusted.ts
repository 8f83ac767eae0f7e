/**
 * Support for pages with Trusted Types and for cross-origin isolated pages: trusted URLs, and cures
 * for refusals.
 */

/** The part of the platform's Trusted Types that is used. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: Record<string, (text: string) => string>,
  ): { createScriptURL(url: string): string };
}

/** The policy that a page allows by its header. */
export const POLICY_NAME = 'plinth';

let policy: ReturnType<TrustedTypes['createPolicy']> | undefined;

function policyNow(): typeof policy {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  policy ??= trustedTypes?.createPolicy(POLICY_NAME, { createScriptURL: (url) => url });
  return policy;
}

/**
 * The URL of one of our workers, in the form that the page accepts. @throws TypeError when the page
 * doesn't allow the policy.
 */
export const trustedUrl = (url: string): string => policyNow()?.createScriptURL(url) ?? url;
/** The cure for a refusal caused by Trusted Types; undefined for any other. */
export function trustedCure(error: unknown): string | undefined {
  const message = error instanceof Error ? error.message : String(error);
  if (!/trusted|policy/i.test(message)) return undefined;
  return `This page takes only Trusted Types: pass createWorker of '@plinth/host-browser/inline', or a function that makes the worker by a policy of the page, and allow the policy of this package: Content-Security-Policy: require-trusted-types-for 'script'; trusted-types ${POLICY_NAME}`;
}

/** The cure when a cross-origin isolated page can't load a file; undefined in any other page. */
export function isolatedCure(files: string): string | undefined {
  if (globalThis.crossOriginIsolated !== true) return undefined;
  return `This page is cross-origin isolated: serve ${files} with the headers Cross-Origin-Embedder-Policy: require-corp and Cross-Origin-Resource-Policy: cross-origin`;
}
