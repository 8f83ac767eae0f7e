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
    throw parseError(error) ?? refusal(error) ?? error;
  }
}

/** Bun and Deno parse modules by themselves, and what they throw is no SyntaxError; in Deno it quotes the whole URL. */
function parseError(error: unknown): SyntaxError | undefined {
  if (!(error instanceof Error) || error instanceof SyntaxError) return undefined;
  const { name, message } = error;
  if (name === 'BuildMessage') return new SyntaxError(message);
  const [, problem] = /^SyntaxError: ([\s\S]*?)(?:\n +at data:|$)/.exec(message) ?? [];
  return problem === undefined ? undefined : new SyntaxError(problem);
}

/**
 * A browser that refuses the URL quotes it, and with it the whole bundle (Chromium, Firefox), or says nothing (WebKit). The
 * policy that counts is the one of the file that the worker was started from.
 */
function refusal(error: unknown): TypeError | undefined {
  if (!(error instanceof TypeError) || !/ported module: data:|^Importing a module script failed\.$/.test(error.message)) return undefined;
  return new TypeError("the Content-Security-Policy of the worker's own file has to allow 'script-src data:'");
}
