/** How worker-like runtimes evaluate a bundle: as a module behind a `data:` URL, the only form that works in workers of every runtime. */

/**
 * Evaluates the text of a module. The name shows up in stacks instead of the whole text, and has a reload evaluate anew.
 * The last line is for Bun, which goes by how a URL ends, not by its type: after any other dot it would take the text for an asset.
 */
export async function importModule(code: string, name: string): Promise<{ readonly default?: unknown }> {
  const text = encodeURIComponent(`${code}\n//# sourceURL=${name}\n//.js`);
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ `data:text/javascript;charset=utf-8,${text}`)) as { readonly default?: unknown };
  } catch (error) {
    throw explained(error) ?? error;
  }
}

/** What an engine's own words mean here; undefined where they say it, or the code itself threw. */
function explained(error: unknown): Error | undefined {
  if (!(error instanceof Error) || error instanceof SyntaxError) return undefined;
  const { name, message } = error;
  // Bun and Deno parse modules by themselves, and what they throw is no SyntaxError; in Deno it quotes the whole URL.
  if (name === 'BuildMessage') return new SyntaxError(message);
  const problem = /^SyntaxError: ([\s\S]*?)(?:\n +at data:|$)/.exec(message)?.[1];
  if (problem !== undefined) return new SyntaxError(problem);
  // Each engine has words of its own for what isn't found from a `data:` URL; Node, Bun and Deno quote that, and with it the whole bundle.
  const imported = /(specifier|module|Import|name,) ["'“](.+?)["'”]/.exec(message)?.[2];
  if (imported !== undefined) return new TypeError(`it imports '${imported}': bundle it into one file`);
  // A browser that refuses the URL quotes it (Chromium, Firefox), or says nothing (WebKit); so it does when an import of the module fails.
  // The policy that counts is the one of the file that the worker was started from.
  if (!/ported module: data:|^Importing a module script failed/.test(message)) return undefined;
  return new TypeError("it imports something, or the Content-Security-Policy of the worker's own file has to allow 'script-src data:'");
}
