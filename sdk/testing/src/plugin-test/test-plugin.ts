/** `testPlugin`: everything that can be found out about a plugin by running it, as a report. */
import { checkOptionNames, createError, didYouMean, messageOf } from '@plinth/sdk/contract';
import { checkValues, type OptionRule, RULES } from '../check-options.js';
import type { PluginInput } from '../plugins.js';
import { compatibilityRuns } from './compatibility-checks.js';
import { contractRuns } from './contract-checks.js';
import { hostileRuns } from './hostile-checks.js';
import { leakRuns } from './leak-checks.js';
import { lifecycleRuns } from './lifecycle-checks.js';
import { performanceRuns } from './performance-checks.js';
import { permissionRuns } from './permission-checks.js';
import type { CheckGroup, PluginCheck, PluginReport } from './report.js';
import { type Run, Subject, type TestPluginOptions } from './subject.js';

type Runs = Readonly<Record<string, Run>>;

/** The groups in the order in which they run. */
const GROUPS: readonly (readonly [CheckGroup, (subject: Subject) => Runs | Promise<Runs>])[] = [
  ['contract', contractRuns],
  ['lifecycle', lifecycleRuns],
  ['leaks', leakRuns],
  ['permissions', permissionRuns],
  ['hostile', hostileRuns],
  ['performance', performanceRuns],
  [
    'compatibility',
    (subject) => {
      const { previous } = subject.options;
      return previous === undefined ? {} : compatibilityRuns(subject, previous);
    },
  ],
];

/**
 * Runs a plugin through checks of its contract, its lifecycle, leaks, permissions, hostile inputs,
 * its budget and its compatibility with a previous version. Each check has a kernel of its own.
 * Whatever is wrong, a package that can't be read included, is a failed check of the report.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for options that don't exist.
 * @example
 * const report = await testPlugin({ manifest, plugin: notes }, {
 *   samples: { add: [{ text: 'milk' }], read: ['note-1'] },
 *   budget: { activate: 200, call: 5 },
 * });
 * expect(report.ok, reportText(report)).toBe(true);
 */
export async function testPlugin(
  plugin: PluginInput,
  options: TestPluginOptions = {},
): Promise<PluginReport> {
  checkOptionNames('testPlugin()', options, Object.keys(TEST_RULES));
  checkValues('testPlugin()', options, TEST_RULES);
  checkOptionNames("'budget' of testPlugin()", options.budget, ['activate', 'call', 'memory']);
  checkGroups(options);
  const began = performance.now();
  const checks: PluginCheck[] = [];
  const run = async (group: CheckGroup, name: string, work: Run) => {
    const check = await checked(group, name, work);
    checks.push(check);
    return check.ok;
  };
  let subject: Subject | undefined;
  const isRead = await run('contract', 'manifest', async () => {
    subject = await Subject.of(plugin, options);
    return 'the manifest is valid';
  });
  if (isRead && subject !== undefined) {
    const known = subject;
    for (const [group, runsOf] of GROUPS) {
      if (options.groups !== undefined && !options.groups.includes(group)) continue;
      let runs: Runs = {};
      try {
        runs = await runsOf(known);
      } catch (error) {
        await run(group, 'start', () => Promise.reject(error));
      }
      for (const [name, work] of Object.entries(runs)) await run(group, name, work);
    }
  }
  const version = subject?.manifest.version;
  return {
    plugin: subject?.id ?? 'unknown',
    ...(version !== undefined && { version }),
    ok: checks.every(({ ok }) => ok),
    checks,
    took: performance.now() - began,
  };
}

const TEST_RULES = {
  host: RULES.object,
  plugins: RULES.list,
  extensions: RULES.function,
  contracts: RULES.contracts,
  provides: RULES.list,
  samples: [
    'lists of inputs by command',
    (value) =>
      RULES.object[1](value) && Object.values(value as object).every((one) => Array.isArray(one)),
  ],
  config: RULES.object,
  storage: RULES.object,
  network: RULES.object,
  state: RULES.function,
  seed: RULES.integer,
  timeout: RULES.time,
  budget: RULES.object,
  previous: ['a plugin', (value) => typeof value === 'string' || RULES.object[1](value)],
  groups: RULES.list,
} as const satisfies Readonly<Record<string, OptionRule>>;

/** Refuses groups that would check nothing. */
function checkGroups({ groups = [], previous, budget }: TestPluginOptions): void {
  const known = GROUPS.map(([name]) => name);
  const refuse = (what: string) =>
    createError('kernel/invalid-option', `testPlugin() ${what}`, { details: { option: 'groups' } });
  for (const group of groups)
    if (!known.includes(group))
      throw refuse(
        `has no group '${String(group)}'${didYouMean(String(group), known, groups)}: it has ${known.join(', ')}`,
      );
  if (groups.includes('compatibility') && previous === undefined)
    throw refuse("checks 'compatibility' with an earlier version: give it as 'previous'");
  if (groups.includes('performance') && Object.keys(budget ?? {}).length === 0)
    throw refuse("checks 'performance' against a budget: give it as 'budget'");
}

async function checked(group: CheckGroup, name: string, work: Run): Promise<PluginCheck> {
  const began = performance.now();
  let found: Pick<PluginCheck, 'ok' | 'message'>;
  try {
    found = { ok: true, message: await work() };
  } catch (error) {
    found = { ok: false, message: messageOf(error) };
  }
  return { id: `${group}/${name}`, group, ...found, took: performance.now() - began };
}
