/** The house rules of docs/architecture.md, executed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Import, importsOf, root, sourcesOf } from './imports.ts';
import { filesUnder, filesWithProse, proseOf } from './prose.ts';
import { UNCLEAR_WORDS } from './unclear-words.ts';

const workspaces = ['sdk', 'kernel', 'host-node', 'host-browser'] as const;
const files = workspaces.flatMap(sourcesOf);
const imports = files.flatMap(importsOf);
const offenders = (test: (one: Import) => boolean) =>
  imports.filter(test).map(({ from, specifier }) => `${from} imports ${specifier}`);

describe('layers', () => {
  const allowed: Readonly<Record<(typeof workspaces)[number], readonly string[]>> = {
    sdk: [],
    kernel: ['@plinth/sdk'],
    'host-node': ['@plinth/sdk', '@plinth/kernel'],
    'host-browser': ['@plinth/sdk', '@plinth/kernel'],
  };
  for (const workspace of workspaces) {
    it(`${workspace} imports only from layers below it`, () => {
      const below = (specifier: string) =>
        allowed[workspace].some((name) => specifier === name || specifier.startsWith(`${name}/`));
      expect(
        offenders(
          ({ from, specifier }) =>
            from.startsWith(`${workspace}/`) &&
            specifier.startsWith('@plinth/') &&
            !below(specifier),
        ),
      ).toEqual([]);
      expect(
        offenders(
          ({ from, target }) =>
            from.startsWith(`${workspace}/`) &&
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

  it('sdk and kernel use no runtime', () => {
    expect(
      offenders(
        ({ from, specifier }) => /^(sdk|kernel)\//.test(from) && specifier.startsWith('node:'),
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
    chokidar: /^host-node\/src\/config-file\.ts$/,
    valibot: /^sdk\/src\/(contract\/manifest[a-z-]*|contracts\/[a-z-]+)\.ts$/,
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
    for (const workspace of workspaces) {
      const { dependencies = {} } = JSON.parse(
        readFileSync(join(root, workspace, 'package.json'), 'utf8'),
      ) as { dependencies?: Record<string, string> };
      const used = new Set(
        imports
          .filter(
            ({ from, specifier, target }) =>
              from.startsWith(`${workspace}/`) &&
              target === undefined &&
              !specifier.startsWith('node:'),
          )
          .map(({ specifier }) =>
            specifier
              .split('/')
              .slice(0, specifier.startsWith('@') ? 2 : 1)
              .join('/'),
          ),
      );
      expect([...used].sort(), workspace).toEqual(Object.keys(dependencies).sort());
    }
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
  const UNCLEAR = /\b(whoever|nobody|somebody|anew|for want of|of late(?! \w))\b/gi;
  const WITH_PROSE = [
    ...workspaces,
    'demo-app',
    'docs',
    'scripts',
    'test',
    '.github',
    '.changeset',
  ];

  it('comments and pages say who does what, instead of whoever, nobody or somebody', () => {
    const pages = readdirSync(root).filter((file) => file.endsWith('.md'));
    const found = [...pages, ...WITH_PROSE.flatMap(filesWithProse)].flatMap((file) => {
      const words = proseOf(file).match(UNCLEAR) ?? [];
      const allowed = UNCLEAR_WORDS[file] ?? 0;
      return words.length <= allowed
        ? []
        : [`${file} has ${words.length} of these words, more than ${allowed}: ${words.join(', ')}`];
    });
    expect(found).toEqual([]);
    expect(Object.keys(UNCLEAR_WORDS).filter((file) => !file.startsWith('kernel/src/'))).toEqual(
      [],
    );
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
    expect(await names('@plinth/sdk/testing')).toEqual([
      'compat',
      'compatChecks',
      'contractChecks',
    ]);
    expect(await names('@plinth/kernel')).toMatchInlineSnapshot(`
      [
        "DEFAULT_LIMITS",
        "KERNEL_VERSION",
        "SparePool",
        "createKernel",
        "escapeLine",
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
        "createKernel",
        "directorySource",
        "escapeLine",
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
