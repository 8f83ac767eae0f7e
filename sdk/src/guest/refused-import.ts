/**
 * The message for an import, which no plugin may have. Runtime modules such as `node:` can't be
 * bundled.
 */
export function refusedImport(specifier: string): string {
  const builtin = /^(?:node|bun|deno|jsr|npm|https?):/.test(specifier);
  return `it imports '${specifier.slice(0, 200)}': ${builtin ? 'a plugin reaches its runtime through ctx alone (ctx.fs, ctx.fetch, ctx.env, ctx.storage)' : 'bundle it into one file'}`;
}
