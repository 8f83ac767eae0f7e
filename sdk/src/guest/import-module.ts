/**
 * How worker-like runtimes evaluate a bundle: as a module behind a `data:` URL, the only form that
 * works in workers of every runtime.
 */
import { refusedImport } from './refused-import.js';

/**
 * Evaluates the text of a module. The name appears in stacks instead of the whole text, and makes a
 * reload evaluate again. The last line is for Bun, which goes by the end of a URL, not by its type:
 * after any other dot it would treat the text as an asset.
 */
export async function importModule(
  code: string,
  name: string,
): Promise<{ readonly default?: unknown }> {
  const text = encodeURIComponent(`${code}\n//# sourceURL=${name}\n//.js`);
  try {
    return (await import(
      /* @vite-ignore */ /* webpackIgnore: true */ `data:text/javascript;charset=utf-8,${text}`
    )) as { readonly default?: unknown };
  } catch (error) {
    throw explained(error) ?? error;
  }
}

/** The meaning of an engine's own message; undefined when it is clear, or the code itself threw. */
function explained(error: unknown): Error | undefined {
  if (!(error instanceof Error) || error instanceof SyntaxError) return undefined;
  const { name, message } = error;
  if (message.startsWith('it imports ')) return undefined;
  // Bun and Deno parse modules themselves and don't throw a SyntaxError; Deno's error quotes the
  // whole URL.
  if (name === 'BuildMessage') return new SyntaxError(message);
  const first =
    error instanceof AggregateError ? (error.errors[0] as Error | undefined) : undefined;
  if (first?.name === 'BuildMessage') return new SyntaxError(first.message);
  const problem = /^SyntaxError: ([\s\S]*?)(?:\n +at data:|$)/.exec(message)?.[1];
  if (problem !== undefined) return new SyntaxError(problem);
  // Each engine has its own message for what can't be resolved from a `data:` URL. Node, Bun and
  // Deno quote that URL, and so the whole bundle.
  const imported = /(specifier|module|Import|name,) ["'“](.+?)["'”]/.exec(message)?.[2];
  if (imported !== undefined) return new TypeError(refusedImport(imported));
  // A browser that refuses the URL quotes it (Chromium, Firefox) or says nothing (WebKit). The same
  // happens when an import of the module fails. The policy that applies is that of the file the
  // worker was started from.
  if (!/ported module: data:|^Importing a module script failed/.test(message)) return undefined;
  return new TypeError(
    "it imports something, or the Content-Security-Policy of the worker's own file has to allow 'script-src data:'",
  );
}
