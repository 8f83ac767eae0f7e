/**
 * Scopes of `network.fetch`: an origin (`https://api.example.com`), which covers all of it; a URL,
 * which covers itself; a URL prefix that ends in `*` (`https://api.example.com/v1/*`); or `*`.
 * Hosts are compared as a whole, never as text: a scope of one host can't be the prefix of another.
 */

/** Whether a scope covers a URL, or everything another scope covers. */
export function coversUrl(scope: string, urlOrScope: string): boolean {
  if (scope === '*') return true;
  const wide = parse(scope);
  const narrow = parse(urlOrScope);
  if (wide === undefined || narrow === undefined || wide.origin !== narrow.origin) return false;
  if (wide.path === '/' || wide.path === '') return true;
  if (wide.open) return narrow.path.startsWith(wide.path);
  return !narrow.open && wide.path === narrow.path;
}

/** Whether a text may be a scope of `network.fetch`. */
export const isUrlScope = (scope: string): boolean => scope === '*' || parse(scope) !== undefined;

function parse(
  scope: string,
): { readonly origin: string; readonly path: string; readonly open: boolean } | undefined {
  if (scope === '*') return undefined;
  const open = scope.endsWith('*');
  // A star directly after the host would cover other hosts too.
  const text = open ? scope.slice(0, -1) : scope;
  if (open && !/^https?:\/\/[^/?#]+\//.test(text)) return undefined;
  try {
    const url = new URL(text);
    if (
      (url.protocol !== 'https:' && url.protocol !== 'http:') ||
      url.username !== '' ||
      url.password !== ''
    )
      return undefined;
    return { origin: url.origin, path: `${url.pathname}${url.search}`, open };
  } catch {
    return undefined;
  }
}
