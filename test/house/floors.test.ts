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
  'limits',
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
  'policy',
  'kernel-options',
  'lifecycle',
  'tenant',
  'kernel',
  'index',
];

/** Arrows that lead up, by the number of files they go out from. */
const UP: Readonly<Record<string, number>> = {
  'commands → guests': 1,
  'commands → resilience': 2,
  'events → commands': 2,
  'events → supervision': 1,
  'extension → lifecycle': 4,
  'guests → resilience': 1,
  'host → network': 1,
  'middleware → commands': 2,
  'permissions → events': 2,
  'permissions → lifecycle': 1,
  'permissions → supervision': 1,
  'plugin → guests': 2,
  'registry → commands': 1,
  'registry → guests': 1,
  'registry → lifecycle': 2,
  'registry → policy': 1,
  'sources → lifecycle': 1,
  'supervision → guests': 1,
  'supervision → lifecycle': 2,
  'telemetry → commands': 1,
  'telemetry → events': 1,
  'telemetry → permissions': 1,
  'telemetry → policy': 1,
  'telemetry → registry': 1,
  'telemetry → supervision': 2,
};

/** Lines of the files that are longer than a file should be. */
const LONG: Readonly<Record<string, number>> = {
  'kernel/src/audit/audit-log.ts': 441,
  'kernel/src/commands/call.ts': 689,
  'kernel/src/commands/command-registry.ts': 386,
  'kernel/src/guests/guest-connection.ts': 404,
  'kernel/src/guests/lanes.ts': 316,
  'kernel/src/guests/registrations.ts': 483,
  'kernel/src/lifecycle/lifecycle.ts': 340,
  'kernel/src/management/providers.ts': 327,
  'kernel/src/permissions/grants.ts': 638,
  'kernel/src/permissions/trust.ts': 350,
  'kernel/src/registry/host-plugins.ts': 308,
  'kernel/src/registry/installer.ts': 1231,
  'kernel/src/schema/json-schema.ts': 563,
  'kernel/src/supervision/meter.ts': 403,
  'kernel/src/tenant/engine.ts': 428,
  'kernel/src/tenant/tenant.ts': 442,
  'sdk/src/context.ts': 436,
  'sdk/src/contract/contract.ts': 318,
  'sdk/src/contract/manifest.ts': 572,
  'sdk/src/contract/protocol.ts': 310,
  'sdk/src/contract/schema-cover.ts': 406,
  'sdk/src/guest/boot.ts': 427,
  'sdk/src/guest/console.ts': 302,
  'sdk/src/guest/context.ts': 753,
  'sdk/src/guest/lanes.ts': 550,
  'sdk/src/pack/functor.ts': 344,
  'sdk/src/rpc/link.ts': 863,
  'sdk/src/rpc/outbox.ts': 646,
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
