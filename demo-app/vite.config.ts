/**
 * The playground: served during development, and built into one folder that any web server can
 * serve.
 */
import { cp, readFile } from 'node:fs/promises';
import { join, normalize, resolve, sep } from 'node:path';
import { defineConfig, type Plugin } from 'vite';
import { editorParts } from './build/editor-parts.ts';

const dist = join(import.meta.dirname, 'dist');
/** Folders of bundles: the plugins, and later versions of some of them. */
const KINDS = ['plugins', 'updates'];
const TYPES: Readonly<Record<string, string>> = { json: 'application/json', js: 'text/javascript' };

/**
 * Serves the bundled plugins at `plugins/`, and their later versions at `updates/`: from their
 * folders in development, copied into a built site.
 */
function demoPlugins(): Plugin {
  let site = '';
  return {
    name: 'demo-plugins',
    configResolved({ root, build }) {
      site = resolve(root, build.outDir);
    },
    configureServer(server) {
      server.middlewares.use(async (request, response, next) => {
        const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
        const file = join(dist, path);
        const type = TYPES[path.slice(path.lastIndexOf('.') + 1)];
        const isBundle = KINDS.some((kind) => file.startsWith(join(dist, kind) + sep));
        if (type === undefined || !isBundle) return next();
        try {
          const content = await readFile(file);
          response.setHeader('Content-Type', type).end(content);
        } catch {
          next();
        }
      });
    },
    async writeBundle() {
      for (const kind of KINDS) await cp(join(dist, kind), join(site, kind), { recursive: true });
    },
  };
}

/** What the kernel and its host load when it is asked for: walls, archives, source maps. */
const LATER = new RegExp(
  [
    'host-browser/dist/frame',
    'kernel/dist/(commands/gate|extension/follower|extensions/installer/management/)',
    'kernel/dist/extensions/(metrics/(profile|tenant-usage)|network/(fetch|file-))',
    'kernel/dist/extensions/(audit/verify-export|replay/(?!index))',
    'kernel/dist/(sources/(archive|find-source-map)|telemetry/source-map)',
    'sdk/dist/((contracts|guest|pack|signing)/|codec|rpc/(codec|message-))',
  ].join('|'),
);
const KERNEL =
  /(kernel|sdk|host-browser)\/dist\/|node_modules\/(semver|idb-keyval|valibot|comlink)\//;

/**
 * Two files for what would be a hundred small ones: what the frame of the page needs, and the kernel
 * as a first visit loads it. The first must not need the second.
 */
const CHUNKS = [
  { name: 'page', test: /preact|log-line|preload-helper|rolldown.runtime/, priority: 1 },
  { name: 'kernel', test: (id: string) => KERNEL.test(id) && !LATER.test(id) },
];

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  // A missing file must be a 404 and not the page, so that the kernel notices.
  appType: 'mpa',
  publicDir: false,
  plugins: [demoPlugins(), editorParts()],
  build: {
    outDir: 'dist/site',
    emptyOutDir: true,
    target: 'es2023',
    // The editor is one part, which is loaded with its panel.
    chunkSizeWarningLimit: 700,
    rolldownOptions: { output: { codeSplitting: { groups: CHUNKS } } },
  },
  // Workers are ES modules in every browser that can run this page.
  worker: { format: 'es', plugins: () => [editorParts()] },
});
