/**
 * Where documents of extensions are in a tenant's storage. No plugin has such keys, because
 * `plinth` is no plugin's id.
 */

/**
 * What the keys begin with; an extension's name, a document's name and an id follow, each after a
 * NUL.
 */
export const extensionPrefix = (tenant: string): string => `${tenant}\0plinth\0extension\0`;

/** Whether a key is of a document that is kept about a plugin. */
export const isAbout = (key: string, plugin: string): boolean => key.endsWith(`\0${plugin}`);
