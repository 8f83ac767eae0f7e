/**
 * Cookies of plugins, each plugin's apart: the browser keeps them under the plugin's id and path, and
 * the plugin sees its own alone.
 */

/** A name and a value of RFC 6265. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
const VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;
const MOST_COOKIES = 16;
const MOST_TEXT = 4_096;
/** Attributes that plugins decide about. */
const ATTRIBUTES = /^(max-age=-?\d{1,10}|expires=[\w ,:+-]{1,40}|secure|samesite=(lax|strict))$/i;

/** No id has this letter, so no two plugins have the same name for a cookie. */
const nameOf = (plugin: string, name: string): string => `${plugin}~${name}`;

/**
 * The `set-cookie` headers of an answer. Undefined when one of them is malformed, or all together are
 * too long.
 *
 * @param paths where the plugin is mounted. A browser keeps a cookie for each.
 * @param most bytes of all.
 */
export function cookiesToSet(
  given: readonly string[],
  plugin: string,
  paths: readonly string[],
  most: number,
): readonly string[] | undefined {
  if (given.length > MOST_COOKIES) return undefined;
  const made: string[] = [];
  for (const text of given) {
    const [pair = '', ...attributes] = text.split(';').map((part) => part.trim());
    const at = pair.indexOf('=');
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    if (at < 1 || text.length > MOST_TEXT || !NAME.test(name) || !VALUE.test(value))
      return undefined;
    const kept = attributes.filter((one) => ATTRIBUTES.test(one));
    if (!kept.some((one) => /^samesite=/i.test(one))) kept.push('SameSite=Lax');
    const cookie = `${nameOf(plugin, name)}=${value}`;
    for (const path of paths) made.push([cookie, `Path=${path}`, 'HttpOnly', ...kept].join('; '));
  }
  return made.reduce((sum, one) => sum + one.length, 0) > most ? undefined : made;
}

/** The cookies of a request that are the plugin's, under its own names. */
export function cookiesOf(header: string | null, plugin: string): string | undefined {
  const prefix = nameOf(plugin, '');
  const own = (header ?? '')
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith(prefix))
    .map((part) => part.slice(prefix.length));
  return own.length === 0 ? undefined : own.join('; ');
}
