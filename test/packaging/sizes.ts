/**
 * The size of the packages once an application's bundler has tree-shaken and minified them: the
 * budgets, and the share of each module.
 */
import { readFile } from 'node:fs/promises';
import { SourceMap } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type OutputChunk } from 'rolldown';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The most that may be loaded before something runs, in bytes: minified, with `gzip -9`. */
export interface Budget {
  readonly name: string;
  readonly gzip: number;
  /** The limit until the budget is reached. To be lowered, never raised for convenience. */
  readonly meanwhile?: number;
  /** Code as an author writes it; or a shipped file, which is measured as it is, and its source. */
  readonly what: string | { readonly shipped: string; readonly source: string };
  /** What an application has anyway, and is not counted. */
  readonly beside?: RegExp;
}

const KB = 1000;

/** The table. Chunks reached only by `import()` aren't counted, because nothing waits for them. */
export const BUDGETS: readonly Budget[] = [
  {
    name: 'a plugin with one command',
    gzip: 4 * KB,
    what: `import { command, contract, definePlugin } from '@plinth/sdk';
      const Greeter = contract('example.greeter@1', { greet: command({}) });
      export default definePlugin({ provides: [Greeter], activate(ctx) { ctx.provide(Greeter, { greet: (name) => 'hello ' + name }); } });`,
  },
  {
    name: 'a page with a kernel and its host',
    gzip: 30 * KB,
    what: `import { browserHost, createKernel } from '@plinth/host-browser';
      export const kernel = await createKernel({ host: browserHost(), plugins: ['/plugins/greeter/plugin.json'] });`,
  },
  // Loaded by the first `createKernel()`. What runs plugins comes while manifests are read.
  {
    name: 'the core alone',
    gzip: 58 * KB,
    what: `export { createKernel } from '@plinth/kernel/core';`,
  },
  {
    name: 'the kernel itself',
    gzip: 70 * KB,
    what: `export { createKernel } from '@plinth/kernel';`,
  },
  {
    name: 'telemetry, before it finds an SDK',
    gzip: 3 * KB,
    what: `export { otel } from '@plinth/otel/host';`,
    beside: /^@opentelemetry\/|^@plinth\/(kernel|sdk)\b/,
  },
  {
    name: 'HTTP, without the server and the admin API',
    gzip: 18 * KB,
    what: `export { http } from '@plinth/http/host';`,
    beside: /^@hono\/|^@plinth\/(kernel|sdk)\b/,
  },
  {
    name: "HTTP, a plugin's routes",
    gzip: 2 * KB,
    what: `export { routes } from '@plinth/http';`,
    beside: /^@plinth\/(kernel|sdk)\b/,
  },
  {
    name: 'a plugin with a view',
    gzip: 6 * KB,
    what: `import { definePlugin } from '@plinth/sdk';
      import { h, View, views } from '@plinth/ui';
      let count = 0;
      export default definePlugin({ provides: [View], activate(ctx) { views(ctx, { counter: () => h('button', { onPress: () => { count += 1; } }, 'Count ' + count) }); } });`,
  },
  {
    name: 'views in a page',
    gzip: 18.75 * KB,
    what: `export { mountView } from '@plinth/ui/dom';`,
    beside: /^@plinth\/(kernel|sdk)\b/,
  },
  {
    name: 'frames in a page',
    gzip: 8.5 * KB,
    what: `export { mountFrame } from '@plinth/ui/frame';`,
    beside: /^@plinth\/(kernel|sdk)\b/,
  },
  {
    name: 'jobs, without the parser of patterns',
    gzip: 12.25 * KB,
    what: `export { jobs } from '@plinth/jobs/host';`,
    beside: /^croner$|^@plinth\/(kernel|sdk)\b/,
  },
  {
    name: "jobs, a plugin's schedules and queues",
    gzip: 2 * KB,
    what: `export { jobs } from '@plinth/jobs';`,
    beside: /^@plinth\/(kernel|sdk)\b/,
  },
  {
    name: 'SQL, before the first plugin needs it',
    gzip: 6 * KB,
    what: `export { sql } from '@plinth/sql/host';`,
    beside: /^@plinth\/(kernel|sdk)\b|^node:/,
  },
  {
    name: "SQL, a plugin's database",
    gzip: 32 * KB,
    what: `import { database } from '@plinth/sql';
      export default { activate: (ctx) => database(ctx).selectFrom('notes').selectAll().execute() };`,
    beside: /^@plinth\/(kernel|sdk)\b/,
  },
  {
    name: 'the link alone',
    gzip: 6 * KB,
    meanwhile: 19 * KB,
    what: `export { Link } from '@plinth/sdk/rpc';`,
  },
  {
    name: "a worker's runtime",
    gzip: 10 * KB,
    meanwhile: 35.25 * KB,
    what: {
      shipped: 'host-browser/dist/plugin-worker.js',
      source: 'host-browser/src/plugin-worker.ts',
    },
  },
];

// Beside the workspace's packages, so that their names resolve.
const WEIGHED = `${root}weighed.js`;

/** What is loaded at once, in bytes; and its modules, the heaviest first. */
export interface Weight {
  readonly minified: number;
  readonly gzip: number;
  readonly modules: readonly Share[];
}

/** The remaining size of a module, and how much smaller the whole would be without it. */
export interface Share {
  readonly module: string;
  readonly minified: number;
  readonly gzip: number;
}

/** Bundles the built packages and measures what is loaded before the code runs. */
export async function weigh({ what, beside }: Pick<Budget, 'beside' | 'what'>): Promise<Weight> {
  const { output } = await build({
    input: typeof what === 'string' ? WEIGHED : join(root, what.source),
    cwd: root,
    platform: 'browser',
    write: false,
    logLevel: 'warn',
    ...(beside && { external: beside }),
    plugins: [
      {
        name: 'weighed',
        resolveId: (id) => (id === WEIGHED ? id : undefined),
        load: (id) => (id === WEIGHED && typeof what === 'string' ? what : undefined),
      },
    ],
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    output: { format: 'es', minify: true, sourcemap: 'hidden', comments: false },
  });
  const chunks = eagerChunks(output.filter((file) => file.type === 'chunk'));
  const texts =
    typeof what === 'string'
      ? chunks.map((chunk) => chunk.code)
      : [await readFile(join(root, what.shipped), 'utf8')];
  return {
    minified: sum(texts.map((text) => text.length)),
    gzip: sum(texts.map(zipped)),
    modules: chunks.flatMap(shares).sort((one, other) => other.gzip - one.gzip),
  };
}

function eagerChunks(chunks: readonly OutputChunk[]): readonly OutputChunk[] {
  const eager = new Set<string>();
  const add = (name: string): void => {
    if (eager.has(name)) return;
    eager.add(name);
    for (const imported of chunks.find((chunk) => chunk.fileName === name)?.imports ?? [])
      add(imported);
  };
  for (const chunk of chunks) if (chunk.isEntry) add(chunk.fileName);
  return chunks.filter((chunk) => eager.has(chunk.fileName));
}

/** Splits a chunk along its source map. */
function shares({ code, map, fileName }: OutputChunk): readonly Share[] {
  // The bundler's own lines have no source.
  if (map === null) return [{ module: named(''), minified: code.length, gzip: zipped(code) }];
  const sources = new SourceMap({ ...map, file: fileName, sourceRoot: '', sourcesContent: [] });
  const pieces: { readonly module: string; readonly text: string }[] = [];
  for (const [line, text] of code.split('\n').entries()) {
    let module = '';
    let from = 0;
    for (let column = 0; column <= text.length; column++) {
      const entry = sources.findEntry(line, column);
      const next =
        'originalSource' in entry && entry.originalSource !== undefined
          ? entry.originalSource
          : module;
      if (next === module && column < text.length) continue;
      if (column > from) pieces.push({ module, text: text.slice(from, column) });
      [module, from] = [next, column];
    }
  }
  const whole = zipped(code);
  return [...new Set(pieces.map((piece) => piece.module))].map((module) => ({
    module: named(module),
    minified: sum(
      pieces.filter((piece) => piece.module === module).map((piece) => piece.text.length),
    ),
    gzip:
      whole -
      zipped(
        pieces
          .filter((piece) => piece.module !== module)
          .map((piece) => piece.text)
          .join(''),
      ),
  }));
}

const named = (module: string): string =>
  module === ''
    ? '(the bundler)'
    : relative(
        root,
        module.startsWith('/') ? module : `${root}${module.replace(/^(\.\.\/)+/, '')}`,
      ).replace(/^node_modules\//, '');
const zipped = (text: string): number => gzipSync(text, { level: 9 }).length;
const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);

if (import.meta.main) {
  for (const budget of BUDGETS) {
    const { gzip, minified, modules } = await weigh(budget);
    console.log(`${budget.name}: ${gzip} of ${budget.gzip} B, ${minified} B before gzip`);
    console.table(modules);
  }
}
