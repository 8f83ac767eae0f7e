/** The report about a plugin, and how it is written: as text, and as JUnit XML for other tools. */

/** What a check is about. */
export type CheckGroup =
  | 'contract'
  | 'lifecycle'
  | 'leaks'
  | 'permissions'
  | 'hostile'
  | 'performance'
  | 'compatibility';

/** The result of one check. */
export interface PluginCheck {
  /** The same in each run: `lifecycle/reload`, `hostile/add`. */
  readonly id: string;
  readonly group: CheckGroup;
  readonly ok: boolean;
  /** What was found, in a sentence. */
  readonly message: string;
  /** Milliseconds. */
  readonly took: number;
}

/** What `testPlugin` found. */
export interface PluginReport {
  readonly plugin: string;
  /** Absent when the manifest can't be read. */
  readonly version?: string;
  /** Whether every check has passed. */
  readonly ok: boolean;
  readonly checks: readonly PluginCheck[];
  /** Milliseconds. */
  readonly took: number;
}

/** The report as text, a line for each check. */
export function reportText({ plugin, version, checks, took }: PluginReport): string {
  const lines = checks.map(
    ({ id, ok, message, took: time }) =>
      `${ok ? 'ok    ' : 'FAILED'} ${id} (${Math.round(time)} ms): ${shown(message)}`,
  );
  const failed = checks.filter(({ ok }) => !ok).length;
  const sum = `${plugin}${version === undefined ? '' : ` ${version}`}: ${checks.length - failed} of ${checks.length} checks passed in ${Math.round(took)} ms`;
  return [...lines, sum, ''].join('\n');
}

/** The report as JUnit XML: a suite for each group, a case for each check. */
export function reportJUnit({ plugin, checks, took }: PluginReport): string {
  const groups = [...new Set(checks.map(({ group }) => group))];
  const suites = groups.map((group) => {
    const own = checks.filter((one) => one.group === group);
    const time = own.reduce((sum, one) => sum + one.took, 0);
    return [
      `  <testsuite name="${xml(`${plugin} ${group}`)}" ${counts(own)} time="${seconds(time)}">`,
      ...own.map((one) => caseOf(plugin, one)),
      '  </testsuite>',
    ].join('\n');
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${xml(plugin)}" ${counts(checks)} time="${seconds(took)}">`,
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
}

function caseOf(plugin: string, { id, group, ok, message, took }: PluginCheck): string {
  const head = `    <testcase classname="${xml(`${plugin}.${group}`)}" name="${xml(id)}" time="${seconds(took)}"`;
  return ok
    ? `${head} />`
    : `${head}>\n      <failure message="${xml(message)}"></failure>\n    </testcase>`;
}

const counts = (checks: readonly PluginCheck[]) =>
  `tests="${checks.length}" failures="${checks.filter(({ ok }) => !ok).length}"`;

const seconds = (milliseconds: number) => (milliseconds / 1_000).toFixed(3);

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** A text that comes from a plugin, as XML. Characters that XML doesn't have are left out. */
const xml = (text: string) => shown(text).replaceAll(/[&<>"]/g, (one) => ENTITIES[one] ?? one);

/** A text without control characters and lone surrogates, in one line. */
function shown(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  const line = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]+/g, ' ');
  return line.replaceAll(/\p{Surrogate}/gu, '\ufffd');
}
