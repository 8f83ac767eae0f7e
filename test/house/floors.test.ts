/** The kernel in floors: a folder imports from those below it. What breaks that today is listed, and may only shrink. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsOf, root, sourcesOf } from './imports.ts';

/** Folders and single files of `kernel/src`, from the ground up. */
const FLOORS: readonly string[] = [
  'concurrency',
  'host-abilities',
  'lazily',
  'registration',
  'schema',
  'host',
  'services',
  'plugin',
  'secrets',
  'sources',
  'telemetry',
  'config',
  'permissions',
  'middleware',
  'events',
  'audit',
  'network',
  'storage',
  'registry',
  'commands',
  'messaging',
  'management',
  'supervision',
  'extension',
  'guests',
  'resilience',
  'parts',
  'kernel-options',
  'lifecycle',
  'opened',
  'tenant',
  'kernel',
  'index',
];

/** Arrows that lead up, by the number of files they go out from. */
const UP: Readonly<Record<string, number>> = {
  'commands → guests': 1,
  'commands → resilience': 2,
  'config → parts': 1,
  'events → commands': 2,
  'events → supervision': 1,
  'extension → lifecycle': 4,
  'extension → parts': 1,
  'guests → parts': 5,
  'guests → resilience': 1,
  'host → network': 1,
  'middleware → commands': 2,
  'parts → lifecycle': 1,
  'permissions → events': 3,
  'permissions → lifecycle': 1,
  'permissions → supervision': 1,
  'plugin → guests': 2,
  'registry → lifecycle': 2,
  'registry → parts': 2,
  'sources → lifecycle': 1,
  'supervision → guests': 1,
  'supervision → lifecycle': 2,
  'telemetry → lifecycle': 1,
  'telemetry → parts': 1,
  'telemetry → permissions': 1,
  'telemetry → registry': 1,
  'telemetry → supervision': 2,
};

/** Lines of the files that are longer than a file should be. */
const LONG: Readonly<Record<string, number>> = {
  'kernel/src/audit/audit-log.ts': 441,
  'kernel/src/commands/call.ts': 689,
  'kernel/src/commands/command-registry.ts': 380,
  'kernel/src/guests/guest-connection.ts': 499,
  'kernel/src/guests/lanes.ts': 316,
  'kernel/src/guests/registrations.ts': 471,
  'kernel/src/lifecycle/lifecycle.ts': 352,
  'kernel/src/lifecycle/load.ts': 303,
  'kernel/src/management/providers.ts': 327,
  'kernel/src/permissions/grants.ts': 633,
  'kernel/src/permissions/trust.ts': 350,
  'kernel/src/registry/installer.ts': 1200,
  'kernel/src/schema/json-schema.ts': 563,
  'kernel/src/supervision/meter.ts': 403,
  'kernel/src/tenant.ts': 1085,
  'sdk/src/context.ts': 436,
  'sdk/src/contract/contract.ts': 318,
  'sdk/src/contract/manifest.ts': 591,
  'sdk/src/contract/protocol.ts': 310,
  'sdk/src/contract/schema-cover.ts': 406,
  'sdk/src/guest/boot.ts': 427,
  'sdk/src/guest/console.ts': 302,
  'sdk/src/guest/context.ts': 753,
  'sdk/src/guest/lanes.ts': 550,
  'sdk/src/pack/functor.ts': 344,
  'sdk/src/rpc/link.ts': 862,
  'sdk/src/rpc/outbox.ts': 683,
  'sdk/src/rpc/value.ts': 633,
  'sdk/src/testing/data-provider.ts': 455,
};

const MOST_LINES = 300;

const unitOf = (file: string): string => {
  const path = file.slice('kernel/src/'.length);
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/\.ts$/, '');
};

describe('floors of the kernel', () => {
  it('are known for every folder', () => {
    const units = [...new Set(sourcesOf('kernel').map(unitOf))].sort();
    expect(units).toEqual([...FLOORS].sort());
  });

  it('have no arrow that leads up beside those that are listed', () => {
    const found: Record<string, number> = {};
    for (const file of sourcesOf('kernel')) {
      const ups = new Set<string>();
      for (const { target } of importsOf(file)) {
        if (target === undefined) continue;
        const [from, to] = [unitOf(file), unitOf(target)];
        if (FLOORS.indexOf(from) < FLOORS.indexOf(to)) ups.add(`${from} → ${to}`);
      }
      for (const up of ups) found[up] = (found[up] ?? 0) + 1;
    }
    // Fewer are welcome: lower the number, or take the line out.
    expect(found).toEqual(UP);
  });
});

describe('source files', () => {
  it(`have at most ${MOST_LINES} lines, beside those that are listed`, () => {
    const found: Record<string, number> = {};
    for (const file of [...sourcesOf('sdk'), ...sourcesOf('kernel')]) {
      const lines = readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length;
      if (lines > MOST_LINES) found[file] = lines;
    }
    const grown = Object.entries(found)
      .filter(([file, lines]) => lines > (LONG[file] ?? MOST_LINES))
      .map(([file, lines]) => `${file} has ${lines} lines`);
    expect(grown).toEqual([]);
    // A file that has become short enough leaves the list.
    expect(Object.keys(LONG).filter((file) => found[file] === undefined)).toEqual([]);
  });
});
