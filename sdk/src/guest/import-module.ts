/** How worker-like runtimes evaluate a bundle: as a module behind a `data:` URL, the only form that works in workers of every runtime. */

/** Evaluates the text of a module. The name shows up in stacks instead of the whole text, and has a reload evaluate anew. */
export async function importModule(code: string, name: string): Promise<{ readonly default?: unknown }> {
  // Bun takes what follows the last dot of the whole URL for the extension of a file, and imports other files as assets (1.4.5).
  const text = encodeURIComponent(`${code}\n//# sourceURL=${name}\n//.js`);
  return (await import(/* @vite-ignore */ /* webpackIgnore: true */ `data:text/javascript;charset=utf-8,${text}`)) as { readonly default?: unknown };
}
