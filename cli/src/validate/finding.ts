/** What validation finds: a rule, a place, and the cure. */
import type { Place } from '../terminal/code-frame.js';

/** Every rule, and what it says of a plugin that follows it. */
export const RULES = {
  'manifest/missing': 'The folder has a plugin.json.',
  'manifest/not-json': 'plugin.json is JSON.',
  'manifest/too-large': 'plugin.json is not larger than a kernel reads.',
  'manifest/invalid': 'plugin.json follows its schema.',
  'manifest/disagrees': 'The manifest says the same as the code.',
  'engines/unsupported': 'The plugin runs with this version of Plinth.',
  'bundle/failed': 'The sources can be bundled into one module.',
  'bundle/syntax': 'The sources parse.',
  'bundle/runtime-import': 'No module of one runtime is imported.',
  'bundle/unresolved-import': 'Every import is found.',
  'bundle/dynamic-import': 'Every import names its module.',
  'bundle/no-entry': 'There is a source file to bundle.',
  'bundle/not-a-plugin': 'The module exports a plugin, and does nothing when it is loaded.',
  'bundle/too-large': 'The bundle is not larger than the limit.',
  'bundle/bad-migration': 'Each migration that the manifest names is a file of the plugin.',
  'bundle/large': 'The bundle starts quickly: it is smaller than 512 KiB.',
  'schema/not-json': 'Every schema can be said as JSON Schema.',
  'permission/missing': 'The manifest asks for each permission that the code uses.',
  'permission/unused': 'The code uses each permission that the manifest asks for.',
  'global/missing': 'Only globals are used that every runtime has.',
  'call/forgotten': 'Handlers pass their call on to the calls that they make.',
  'package/digest': 'Each file is the one that the manifest describes.',
  'package/unlisted': 'The manifest has a digest of each file.',
  'archive/refused': 'The archive is a plain one.',
  'compat/breaking': 'Users of the released version work with this one.',
  'compat/version': 'The version says what has changed since the released one.',
} as const;

/** The id of a rule. */
export type RuleId = keyof typeof RULES;

/** How bad it is. Only errors make validation fail. */
export type Severity = 'error' | 'warning';

/** One thing that validation found. */
export interface Finding {
  readonly rule: RuleId;
  readonly severity: Severity;
  readonly message: string;
  /** Path relative to the plugin, with slashes. */
  readonly file: string;
  /** Line and column from 1. */
  readonly place: Place;
  readonly cure?: string;
  /** A permission that `--fix` adds to the manifest: its name and its scope. */
  readonly fix?: { readonly permission: string; readonly scope: string | true };
}

/** The place of a finding about a whole file. */
export const START: Place = { line: 1, column: 1 };
