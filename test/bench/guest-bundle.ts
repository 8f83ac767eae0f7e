/** Bundles the plugins of `guests/`, as their authors would. Runs in Node, also for a page. */
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** Text of the echo plugin with valibot inside. */
export const bundleParsedEcho = (): Promise<string> => bundled('./guests/parsed-echo.ts');

/** Text of the plugin with a route. */
export const bundleRoutes = (): Promise<string> => bundled('./guests/routes.ts');

/** Text of the plugin with views. */
export const bundleViews = (): Promise<string> => bundled('./guests/views.ts');

async function bundled(guest: string): Promise<string> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL(guest, import.meta.url)),
    platform: 'neutral',
  });
  try {
    const { output } = await bundle.generate({ format: 'es', minify: true });
    if (output.length > 1) throw new Error(`${guest} must be one file`);
    return output[0].code;
  } finally {
    await bundle.close();
  }
}
