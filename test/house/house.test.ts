/** The house rules of docs/architecture.md, executed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Import, importsOf, root, sourcesOf } from './imports.ts';
import { filesUnder, placesOf, textFiles, wordsIn } from './texts.ts';
import { UNCLEAR_WORDS } from './unclear-words.ts';

/** Packages, and the part of the SDK that is a layer of its own: the test kit, above the kernel. */
const workspaces = [
  'sdk',
  'sdk/testing',
  'kernel',
  'host-node',
  'host-browser',
  'extensions/otel',
  'extensions/http',
  'extensions/ui',
  'extensions/jobs',
  'extensions/sql',
  'cli',
] as const;
const files = workspaces.flatMap(sourcesOf);
const imports = files.flatMap(importsOf);
const offenders = (test: (one: Import) => boolean) =>
  imports.filter(test).map(({ from, specifier }) => `${from} imports ${specifier}`);

describe('layers', () => {
  const allowed: Readonly<Record<(typeof workspaces)[number], readonly string[]>> = {
    sdk: [],
    'sdk/testing': ['@plinth/sdk', '@plinth/kernel'],
    kernel: ['@plinth/sdk'],
    'host-node': ['@plinth/sdk', '@plinth/kernel'],
    'host-browser': ['@plinth/sdk', '@plinth/kernel'],
    // The port, and nothing else of the kernel: what an application's own extension has.
    'extensions/otel': ['@plinth/sdk', '@plinth/kernel/extension'],
    // Besides the port, the types of what the application passes to the admin API.
    'extensions/http': ['@plinth/sdk', '@plinth/kernel'],
    'extensions/ui': ['@plinth/sdk', '@plinth/kernel'],
    'extensions/jobs': ['@plinth/sdk', '@plinth/kernel/extension'],
    'extensions/sql': ['@plinth/sdk', '@plinth/kernel/extension'],
    cli: ['@plinth/sdk', '@plinth/kernel', '@plinth/host-node'],
  };
  for (const workspace of workspaces) {
    it(`${workspace} imports only from layers below it`, () => {
      const below = (specifier: string) =>
        allowed[workspace].some((name) => specifier === name || specifier.startsWith(`${name}/`));
      expect(
        offenders(
          ({ from, specifier }) =>
            from.startsWith(`${workspace}/src/`) &&
            specifier.startsWith('@plinth/') &&
            !below(specifier),
        ),
      ).toEqual([]);
      expect(
        offenders(
          ({ from, target }) =>
            from.startsWith(`${workspace}/src/`) &&
            target !== undefined &&
            !target.startsWith(`${workspace}/src/`),
        ),
      ).toEqual([]);
    });
  }

  it('inside sdk, the contract is a leaf, and the wire imports nothing above it', () => {
    expect(
      offenders(
        ({ from, target }) =>
          from.startsWith('sdk/src/contract/') &&
          target !== undefined &&
          !target.startsWith('sdk/src/contract/'),
      ),
    ).toEqual([]);
    expect(
      offenders(
        ({ from, target }) =>
          from.startsWith('sdk/src/rpc/') &&
          target !== undefined &&
          !/^sdk\/src\/(contract|rpc)\//.test(target),
      ),
    ).toEqual([]);
  });

  it('sdk, kernel and extensions use no runtime', () => {
    expect(
      offenders(
        ({ from, specifier }) =>
          /^(sdk|kernel|extensions)\//.test(from) &&
          // Loaded on use, and in Node alone.
          !/^extensions\/sql\/src\/(node|postgres)\//.test(from) &&
          specifier.startsWith('node:'),
      ),
    ).toEqual([]);
  });
});

describe('dependencies', () => {
  const doors: Readonly<Record<string, RegExp>> = {
    comlink: /^sdk\/src\/rpc\/control\.ts$/,
    mitt: /^kernel\/src\/events\/event-bus\.ts$/,
    semver: /^sdk\/src\/contract\/range\.ts$/,
    'idb-keyval': /^host-browser\/src\/indexeddb-storage\.ts$/,
    'proper-lockfile': /^host-node\/src\/folder-lock\.ts$/,
    confbox: /^host-node\/src\/config-text\.ts$/,
    chokidar: /^(host-node\/src\/(config-file|watched-folder)|cli\/src\/dev\/watch)\.ts$/,
    rolldown: /^cli\/src\/(bundle\/roll-up|validate\/parse-source)\.ts$/,
    fflate: /^cli\/src\/archive\/write-archive\.ts$/,
    // A copy of its own, or one that is newer than the SDK's, would lose every span.
    '@opentelemetry/api': /^extensions\/otel\/src\/(?!(index|contract|telemetry|reporter)\.ts)/,
    croner: /^extensions\/jobs\/src\/times\.ts$/,
    hono: /^extensions\/http\/src\/app\.ts$/,
    '@hono/node-server': /^extensions\/http\/src\/listen\.ts$/,
    preact: /^extensions\/ui\/src\/preact\.ts$/,
    react: /^extensions\/ui\/src\/react[a-z-]*\.ts$/,
    '@sqlite.org/sqlite-wasm': /^extensions\/sql\/src\/browser\/sqlite-module\.ts$/,
    pg: /^extensions\/sql\/src\/(node\/storage\/postgres-client|postgres\/pg-client)\.ts$/,
    kysely: /^extensions\/sql\/src\/(index|plugin\/(database|dialect|driver))\.ts$/,
    valibot:
      /^(extensions\/ui\/src\/(contribution-schema|words)|sdk\/src\/(contract\/manifest[a-z-]*|contracts\/[a-z-]+)|cli\/src\/bundle\/described)\.ts$/,
  };
  for (const [dependency, door] of Object.entries(doors)) {
    it(`${dependency} is imported in one place`, () => {
      expect(
        offenders(
          ({ from, specifier }) =>
            (specifier === dependency || specifier.startsWith(`${dependency}/`)) &&
            !door.test(from),
        ),
      ).toEqual([]);
    });
  }

  it('every declared dependency is used, and every used one declared', () => {
    for (const workspace of workspaces.filter((name) => name !== 'sdk/testing')) {
      const {
        name,
        dependencies = {},
        peerDependencies = {},
      } = JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8')) as {
        name: string;
      } & Record<'dependencies' | 'peerDependencies', Record<string, string> | undefined>;
      const used = new Set(
        imports
          .filter(
            ({ from, specifier, target }) =>
              from.startsWith(`${workspace}/`) &&
              target === undefined &&
              // The test kit imports the SDK by its name.
              !`${specifier}/`.startsWith(`${name}/`) &&
              !specifier.startsWith('node:') &&
              // Shipped as a part of the worker, built by `scripts/build-database-worker.ts`.
              specifier !== '@sqlite.org/sqlite-wasm',
          )
          .map(({ specifier }) =>
            specifier
              .split('/')
              .slice(0, specifier.startsWith('@') ? 2 : 1)
              .join('/'),
          ),
      );
      expect([...used].sort(), workspace).toEqual(
        Object.keys({ ...dependencies, ...peerDependencies }).sort(),
      );
    }
  });

  it('the test kit needs the SDK itself and its optional peer, the kernel, which it loads on use', () => {
    const used = imports.filter(
      ({ from, target }) => from.startsWith('sdk/testing/') && target === undefined,
    );
    const { peerDependencies, peerDependenciesMeta } = JSON.parse(
      readFileSync(join(root, 'sdk/package.json'), 'utf8'),
    ) as { peerDependencies: object; peerDependenciesMeta: object };
    expect(Object.keys(peerDependencies)).toEqual(['@plinth/kernel']);
    expect(peerDependenciesMeta).toEqual({ '@plinth/kernel': { optional: true } });
    const loads = used.filter(
      ({ specifier, typeOnly }) => specifier.startsWith('@plinth/kernel') && !typeOnly,
    );
    expect([...new Set(loads.map(({ from }) => from))]).toEqual([
      'sdk/testing/src/kernel-module.ts',
    ]);
    expect(used.filter(({ specifier }) => !/^@plinth\/(sdk|kernel)(\/|$)/.test(specifier))).toEqual(
      [],
    );
  });
});

describe('shape', () => {
  it('has no import cycles, type imports included', () => {
    const edges = new Map(
      files.map((file) => [file, importsOf(file).flatMap(({ target }) => target ?? [])]),
    );
    const cycles: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]) => {
      if (path.includes(file))
        return void cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      if (done.has(file)) return;
      for (const target of edges.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it('every file opens with its purpose', () => {
    expect(
      files.filter((file) => !readFileSync(join(root, file), 'utf8').startsWith('/**')),
    ).toEqual([]);
  });

  it('types are never switched off', () => {
    expect(
      files.filter(
        (file) =>
          /\bas any\b|: any\b|<any>/.test(code(file)) ||
          /@ts-(ignore|nocheck)/.test(readFileSync(join(root, file), 'utf8')),
      ),
    ).toEqual([]);
  });

  it('what pages load asks nothing for Symbol.dispose, which WebKit lacks', () => {
    const inPages = /^(?:sdk\/src|kernel|host-browser|extensions)\//;
    expect(
      files.filter(
        (file) =>
          inPages.test(file) &&
          file !== 'sdk/src/contract/scope.ts' &&
          /\[Symbol\.(?:asyncDispose|dispose)\]|^\s*(?:await )?using /m.test(code(file)),
      ),
    ).toEqual([]);
  });

  it('the kernel never writes to the console', () => {
    expect(
      files.filter(
        (file) =>
          file !== 'sdk/src/guest/console/console.ts' &&
          /(?<![.\w])console\.(log|warn|error|info)\(/.test(code(file)),
      ),
    ).toEqual([]);
  });
});

/** A file's text without its comments. */
function code(file: string): string {
  return readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '');
}

describe('words', () => {
  /** It lists the words. */
  const LIST = 'test/house/unclear-words.ts';

  it('are found in any case and over the end of a line, as whole words', () => {
    const text = "throw new Error('Plugin');\n// It stops in\n// case of doubt, as plugins do.\n";
    expect(placesOf(['plugin', 'in case of'], text)).toEqual(['1: Plugin', '2: in\n// case of']);
  });

  it('that hide what acts are in no code, message, comment or page', () => {
    const files = textFiles();
    expect(files).toEqual(expect.arrayContaining(['README.md', LIST, 'docs/glossary.md']));
    const found = files
      .filter((file) => file !== LIST)
      .flatMap((file) => wordsIn(file, UNCLEAR_WORDS));
    expect(found).toEqual([]);
  });
});

describe('the matrix', () => {
  it('skips tests only by a probe of the list', () => {
    const tests = filesUnder('test').filter((file) =>
      /^test\/(host|rpc|storage|matrix)\b.*(?<!\.(node|browser|full))\.test\.ts$/.test(file),
    );
    const bare = tests.filter((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      return (
        /\.(skip|only|todo|runIf)\(/.test(text) ||
        (text.includes('.skipIf(') && !/\bhas\('[a-z-]+'\)/.test(text)) ||
        /^ *if \(runtime\b.*\{\n *it\(/m.test(text)
      );
    });
    expect(tests.length).toBeGreaterThan(30);
    expect(bare).toEqual([]);
  });
});

describe('public surface', () => {
  it('exports exactly the known names', async () => {
    const names = async (specifier: string) =>
      Object.keys((await import(specifier)) as object).sort();
    expect(await names('@plinth/sdk')).toMatchInlineSnapshot(`
      [
        "PluginAuthenticationError",
        "PluginCancelledError",
        "PluginConfigurationError",
        "PluginCrashedError",
        "PluginDeclaredError",
        "PluginError",
        "PluginLifecycleError",
        "PluginManifestError",
        "PluginNetworkError",
        "PluginOverloadedError",
        "PluginPermissionError",
        "PluginProtocolError",
        "PluginResolutionError",
        "PluginSignatureError",
        "PluginTimeoutError",
        "PluginUnavailableError",
        "PluginUnresponsiveError",
        "PluginValidationError",
        "bytes",
        "command",
        "compat",
        "contract",
        "definePlugin",
        "event",
        "hook",
        "isError",
        "optional",
        "parseManifest",
        "stream",
        "transfer",
      ]
    `);
    const checks = ['compat', 'compatChecks', 'contractChecks'];
    expect(await names('@plinth/sdk/checks')).toEqual(checks);
    expect(await names('@plinth/sdk/testing')).toEqual(
      [
        ...checks,
        'createTestContext',
        'createTestKernel',
        'faults',
        'reportJUnit',
        'reportText',
        'stub',
        'testPlugin',
      ].sort(),
    );
    expect(await names('@plinth/kernel')).toMatchInlineSnapshot(`
      [
        "DEFAULT_LIMITS",
        "KERNEL_VERSION",
        "SparePool",
        "consoleSink",
        "createKernel",
        "escapeLine",
        "explanationText",
        "inlineHost",
        "logLine",
        "memoryStorage",
        "packageOf",
        "packageSource",
        "urlSource",
      ]
    `);
    expect(
      (await names('@plinth/host-node')).filter(
        (name) => !['KERNEL_VERSION', 'DEFAULT_LIMITS'].includes(name),
      ),
    ).toMatchInlineSnapshot(`
      [
        "SparePool",
        "configFile",
        "consoleSink",
        "createKernel",
        "directorySource",
        "escapeLine",
        "explanationText",
        "fileStorage",
        "inlineHost",
        "logLine",
        "memoryStorage",
        "nodeHost",
        "packageOf",
        "packageSource",
        "urlSource",
      ]
    `);
  });

  it('every public export has a comment', () => {
    const bare = files.flatMap((file) => {
      const lines = readFileSync(join(root, file), 'utf8').split('\n');
      return lines.flatMap((line, index) => {
        if (
          !/^export (abstract |async |declare )*(function|class|interface|type|const) /.test(
            line,
          ) ||
          line.startsWith('export type {')
        )
          return [];
        const before = lines[index - 1]?.trim() ?? '';
        return before.endsWith('*/') || before.startsWith('//')
          ? []
          : [`${file}:${index + 1} ${line.slice(0, 60)}`];
      });
    });
    expect(bare).toEqual([]);
  });
});
