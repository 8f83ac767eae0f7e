/**
 * Every tool that applications are built with, and its required settings. The tests run on this
 * list, and `docs/shipping.md` is generated from it.
 */

import workspace from '../../package.json' with { type: 'json' };

/** One way to build the application in `bundlers/app`. */
export interface Shipping {
  readonly tool: string;
  readonly version: string;
  /** `dev`: its server; `build`: its files, on a plain server; `run`: no page, a program. */
  readonly way: 'dev' | 'build' | 'run';
  /** Folder in `bundlers/` whose files are copied over the application. */
  readonly files?: string;
  /** Packages to install beside Plinth's, with exact versions. */
  readonly packages: readonly string[];
  /** Programs with arguments that build the application and its plugin. */
  readonly build: readonly (readonly string[])[];
  /** The program that runs the result. */
  readonly run?: readonly string[];
  /** The server's Content-Security-Policy by path; `*` is for every path without its own. */
  readonly policies?: Readonly<Record<string, string>>;
  /** The required setting; none when absent. */
  readonly setting?: string;
  /** Part of the error message when the sandbox is impossible; possible when absent. */
  readonly noSandbox?: string;
}

const WORKER = '@plinth/host-browser/plugin-worker';
const DENO = ['npx', '--yes', 'deno@2.9.6'];
const NO_WALL = 'this runtime has no permission model';

const vite = { tool: 'Vite', version: '8.3.8', packages: ['vite@8.3.8'] } as const;
const buildVitePlugin = ['vite', 'build', '--config', 'vite.plugin.config.js'];
const esbuild = { version: '0.28.2', way: 'build', packages: ['esbuild@0.28.2'] } as const;
const buildEsbuildPlugin = [
  'esbuild',
  'plugin/index.js',
  '--bundle',
  '--minify',
  '--format=esm',
  '--outfile=dist/plugins/greeter/plugin.js',
];

/** The list. */
export const SHIPPINGS: readonly Shipping[] = [
  { ...vite, way: 'dev', files: 'vite-dev', build: [buildVitePlugin] },
  { ...vite, way: 'build', files: 'vite', build: [['vite', 'build'], buildVitePlugin] },
  {
    tool: 'webpack',
    version: '5.112.2',
    way: 'build',
    files: 'webpack',
    packages: ['webpack@5.112.2', 'webpack-cli@7.3.1'],
    build: [['webpack']],
  },
  {
    tool: 'Rspack',
    version: '2.3.2',
    way: 'build',
    files: 'rspack',
    packages: ['@rspack/core@2.3.2', '@rspack/cli@2.2.8'],
    build: [['rspack', 'build']],
  },
  {
    ...esbuild,
    tool: 'esbuild',
    build: [
      [
        'esbuild',
        'main.js',
        `plugin-worker=${WORKER}`,
        '--bundle',
        '--splitting',
        '--minify',
        '--format=esm',
        '--outdir=dist',
      ],
      buildEsbuildPlugin,
    ],
    setting:
      "The worker is a separate entry named `plugin-worker`, beside the script of the page: esbuild doesn't change `new Worker(new URL(…))`.",
  },
  {
    ...esbuild,
    tool: 'esbuild, one file',
    files: 'esbuild-inline',
    build: [
      ['esbuild', 'main.js', '--bundle', '--minify', '--format=esm', '--outfile=dist/main.js'],
      buildEsbuildPlugin,
    ],
    setting: '`createWorker` of `@plinth/host-browser/inline`: the worker is text in the bundle.',
  },
  {
    tool: 'Rollup',
    version: '4.68.7',
    way: 'build',
    files: 'rollup',
    packages: [
      'rollup@4.68.7',
      '@rollup/plugin-node-resolve@16.0.3',
      '@rollup/plugin-commonjs@29.0.3',
    ],
    build: [['rollup', '--config']],
    setting:
      'The worker is a separate input named `plugin-worker`, beside the script of the page; packages need `node-resolve` and `commonjs`.',
  },
  {
    tool: 'Parcel',
    version: '2.16.4',
    way: 'build',
    files: 'parcel',
    packages: ['parcel@2.16.4'],
    build: [['parcel', 'build', '--no-cache']],
    setting:
      "`packageExports`, without which it doesn't read a package's `exports`; `alias`, so that it installs no replacement of `process`.",
  },
  {
    tool: 'No tool, strict policy',
    version: '–',
    way: 'build',
    files: 'plain',
    packages: [],
    build: [['node', 'copy.js']],
    policies: {
      '*': "default-src 'self'",
      '/plinth/plugin-worker.js': "default-src 'none'; script-src data:",
      '/plinth/plinth-frame.html':
        "default-src 'none'; script-src 'self' 'unsafe-eval'; worker-src data:",
    },
    setting:
      '`@plinth/host-browser/standalone`, served with the files beside it; `browserHost({ frame })` for the sandbox; and separate policies for two files. The page keeps its own.',
  },
  {
    tool: 'Node',
    version: workspace.devDependencies.node,
    way: 'run',
    files: 'node',
    packages: [],
    build: [['node', 'copy.js']],
    run: ['node', 'service.js'],
  },
  {
    tool: 'Bun',
    version: '1.4.5',
    way: 'run',
    packages: ['bun@1.4.5'],
    build: [
      ['npm', 'rebuild', 'bun'],
      ['bun', 'build', 'plugin/index.js', '--outfile=dist/plugins/greeter/plugin.js'],
    ],
    run: ['bun', 'service.js'],
    noSandbox: NO_WALL,
  },
  {
    tool: 'Deno',
    version: '2.9.6',
    way: 'run',
    packages: [],
    build: [[...DENO, 'bundle', 'plugin/index.js', '--output=dist/plugins/greeter/plugin.js']],
    run: [...DENO, 'run', '--allow-all', 'service.js'],
    noSandbox: NO_WALL,
  },
];
