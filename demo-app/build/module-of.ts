/**
 * The address of a package's module, as a page gets it. Node itself resolves to a bundle of it,
 * which has no types beside it.
 */
export const moduleOf = (name: string): string =>
  import.meta.resolve(name).replace('/dist/node/', '/dist/');
