/** What a bisect answers, as data and as text. */
import type { Found } from './search.js';

/** One state of the plugins in which the predicate was asked. */
export interface BisectStep {
  /** Plugins that were on, beside those that are kept. */
  readonly on: readonly string[];
  readonly off: readonly string[];
  /** What the predicate answered, each time: whether the fault was there. */
  readonly answers: readonly boolean[];
  /** Plugins that were to be on and could not be started, with the reason. */
  readonly failed: readonly string[];
}

/** What {@link BisectResult.verdict} may be. */
export type BisectVerdict = 'none' | 'host' | 'plugin' | 'pair' | 'group' | 'flickers';

/** What was found. */
export interface BisectResult {
  /**
   * `none`: the fault is not there with all plugins on. `host`: it is there with all of them off, so
   * the application or a kept plugin causes it. `plugin`, `pair`, `group`: it is there when these
   * are on, with what they need, and not without any one of them. `flickers`: a state was answered
   * in two ways, and no plugin is named.
   */
  readonly verdict: BisectVerdict;
  /** Ids, with the version where several versions run. */
  readonly plugins: readonly string[];
  /** Whether the fault is also there without the first of them: something else causes it, too. */
  readonly more: boolean;
  readonly steps: readonly BisectStep[];
  /** Plugins that could not be brought back as they were, with the reason. */
  readonly problems: readonly string[];
  /** The verdict and its steps, for a reader. */
  readonly text: string;
}

const WORDS: readonly BisectVerdict[] = ['none', 'plugin', 'pair'];

/** Makes the result of a search. */
export function resultOf(
  { what, plugins, more }: Found,
  steps: readonly BisectStep[],
  problems: readonly string[],
): BisectResult {
  const verdict = what === 'plugins' ? (WORDS[plugins.length] ?? 'group') : what;
  const named = what === 'plugins' ? plugins : [];
  const text = [
    sentence(verdict, named, more),
    ...steps.map((step, index) => `${index + 1}. ${lineOf(step)}`),
    ...problems.map((problem) => `not as before: ${problem}`),
  ].join('\n');
  return { verdict, plugins: named, more, steps, problems, text };
}

function sentence(verdict: BisectVerdict, plugins: readonly string[], more: boolean): string {
  const rest = more
    ? ` The fault is also there without ${plugins[0]}: something else causes it, too.`
    : '';
  switch (verdict) {
    case 'none':
      return 'The fault is not there with all plugins on.';
    case 'host':
      return 'The fault is there with all plugins off: the application or a kept plugin causes it.';
    case 'flickers':
      return 'The fault comes and goes in one state of the plugins, so none of them is named.';
    case 'plugin':
      return `${plugins[0]} causes the fault.${rest}`;
    default:
      return `${plugins.join(' and ')} cause the fault together.${rest}`;
  }
}

function lineOf({ on, answers, failed }: BisectStep): string {
  const said = answers.map((there) => (there ? 'fault' : 'no fault')).join(', ');
  const lost = failed.length === 0 ? '' : ` (not started: ${failed.join('; ')})`;
  return `${said} with ${on.length === 0 ? 'all off' : on.join(', ')}${lost}`;
}
