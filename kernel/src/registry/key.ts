/** The key of a record: one version of a plugin. */

/** The registry's key of one version of a plugin. */
export const keyOf = (id: string, version: string): string => `${id}@${version}`;

/** The plugin id in a key. */
export function idOf(key: string): string {
  const at = key.lastIndexOf('@');
  return at > 0 ? key.slice(0, at) : key;
}

/** The version in a key. */
export const versionIn = (key: string): string => key.slice(idOf(key).length + 1);
