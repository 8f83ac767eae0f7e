/**
 * Compares two versions of a contract. A contract's version is its set of members. Users of the
 * older version must work with a provider of the newer one, or the major version must rise.
 */
import type { StandardJSONSchemaV1 } from '@standard-schema/spec';
import {
  type AnyContract,
  type Command,
  type Event,
  type Hook,
  type Member,
  membersOf,
} from './contract.js';
import { createError } from './error-codes.js';
import { messageOf } from './errors.js';
import { parseContractId } from './names.js';
import type { Schema } from './schema.js';
import { uncovered } from './schema-cover.js';
import { type JsonSchema, same } from './schema-parts.js';

/** The version step that a change requires. */
export type VersionStep = 'none' | 'patch' | 'minor' | 'major';

/** One difference between two versions of a contract. */
export interface ContractChange {
  /** Bare name of the member. */
  readonly member: string;
  /**
   * The part of the member: `input`, `output`, `payload`, `error <code>`, or its description;
   * absent for the whole member.
   */
  readonly part?: string;
  /** Dotted path inside the value; empty for the value itself. */
  readonly path: string;
  readonly step: Exclude<VersionStep, 'none'>;
  readonly message: string;
}

/** The result of {@link compat}. */
export interface Compatibility {
  /** Whether users of the older version work with a provider of the newer one. */
  readonly compatible: boolean;
  /** The version step that all changes together require. */
  readonly step: VersionStep;
  /** Whether the newer id satisfies the step: a major step needs a higher major version. */
  readonly versioned: boolean;
  readonly changes: readonly ContractChange[];
}

/** Options of {@link compat}. */
export interface CompatOptions {
  /**
   * Converts a schema to JSON Schema, like `toJsonSchema` of `@valibot/to-json-schema`. Not needed
   * for schemas that convert themselves (Standard JSON Schema). May throw for a schema it can't
   * convert.
   */
  jsonSchema?(schema: Schema): unknown;
}

/**
 * Compares two versions of a contract. It reports members that are removed, new or of another kind;
 * inputs that accept less; outputs and payloads that callers and listeners don't expect; and
 * guarantees that were dropped. A hook is checked in both directions, because any plugin may ask
 * and any may handle it.
 *
 * Schemas are compared as JSON Schema, with open objects: a property that one schema doesn't name
 * may be added to the other. A difference that can't be judged counts as breaking and says so.
 *
 * @throws PluginValidationError `contract/invalid` when these are not two versions of one contract,
 * the older one first.
 * @example
 * const { step, changes } = compat(NotesBefore, Notes, { jsonSchema: toJsonSchema });
 */
export function compat(
  older: AnyContract,
  newer: AnyContract,
  options: CompatOptions = {},
): Compatibility {
  const [from, to] = [older, newer].map((one) => parseContractId(Object(one).$id));
  if (from === undefined || to === undefined || from.base !== to.base || from.major > to.major)
    throw createError(
      'contract/invalid',
      `'${older?.$id}' and '${newer?.$id}' are not two versions of one contract, the older one first`,
    );
  const changes: ContractChange[] = [];
  const after = new Map(membersOf(newer));
  for (const [name, member] of membersOf(older)) {
    const now = after.get(name);
    after.delete(name);
    if (now === undefined)
      changes.push({
        member: name,
        path: '',
        step: 'major',
        message: `the ${member.kind} is gone`,
      });
    else if (now.kind !== member.kind)
      changes.push({
        member: name,
        path: '',
        step: 'major',
        message: `was a ${member.kind}, and is a ${now.kind}`,
      });
    else compareMembers(name, member, now, options, changes);
  }
  for (const [name, { kind }] of after)
    changes.push({ member: name, path: '', step: 'minor', message: `the ${kind} is new` });
  const step = STEPS.find((one) => changes.some((change) => change.step === one)) ?? 'none';
  return {
    compatible: step !== 'major',
    step,
    versioned: step !== 'major' || to.major > from.major,
    changes,
  };
}

const STEPS: readonly VersionStep[] = ['major', 'minor', 'patch'];

/** Adds the differences of two members of one kind and name. */
function compareMembers(
  member: string,
  before: Member,
  now: Member,
  options: CompatOptions,
  changes: ContractChange[],
): void {
  const comparison = new Comparison(member, options, changes);
  if (before.kind === 'event') compareEvents(comparison, before, now as Event);
  else if (before.kind === 'hook') compareHooks(comparison, before, now as Hook);
  else compareCommands(comparison, before as Command, now as Command);
}

function compareEvents(comparison: Comparison, was: Event, is: Event): void {
  comparison.fits('payload', was.payload, is.payload);
  comparison.widened('payload', was.payload, is.payload);
  comparison.settings(['overflow', 'queue'], was, is);
}

function compareHooks(comparison: Comparison, was: Hook, is: Hook): void {
  comparison.fits('input', is.input, was.input);
  comparison.fits('output', was.output, is.output);
  comparison.fits('input', was.input, is.input);
  comparison.fits('output', is.output, was.output);
  comparison.widened('input', was.input, is.input);
  comparison.widened('output', was.output, is.output);
  comparison.settings(['timeout'], was, is);
}

function compareCommands(comparison: Comparison, was: Command, is: Command): void {
  comparison.fits('input', is.input, was.input);
  comparison.fits('output', was.output, is.output);
  comparison.widened('input', was.input, is.input);
  comparison.widened('output', was.output, is.output);
  comparison.settings(['timeout'], was, is);
  comparePromises(comparison, was, is);
  comparison.settings(['retry', 'breaker', 'bulkhead', 'rate', 'cache'], was, is);
  compareErrors(comparison, was.errors, is.errors);
}

function comparePromises(comparison: Comparison, was: Command, is: Command): void {
  for (const [promise, lost] of [
    ['idempotent', 'callers may have run it twice'],
    ['reentrant', 'callers may have called it from within'],
  ] as const) {
    const [had, has] = [was[promise] === true, is[promise] === true];
    if (had && !has) comparison.add(promise, 'major', `is not ${promise} any more: ${lost}`);
    if (!had && has) comparison.add(promise, 'minor', `is ${promise} now`);
  }
}

function compareErrors(
  comparison: Comparison,
  was: Command['errors'],
  is: Command['errors'],
): void {
  for (const code of new Set([...Object.keys(was), ...Object.keys(is)])) {
    const part = `error ${code}`;
    const [had, has] = [was[code], is[code]];
    if (had === undefined || has === undefined)
      comparison.add(part, 'minor', had === undefined ? 'is new' : 'is gone');
    else {
      comparison.fits(part, had, has);
      comparison.widened(part, had, has);
    }
  }
}

/** Collects the differences of one member. */
class Comparison {
  private readonly member: string;
  private readonly options: CompatOptions;
  private readonly changes: ContractChange[];

  constructor(member: string, options: CompatOptions, changes: ContractChange[]) {
    this.member = member;
    this.options = options;
    this.changes = changes;
  }

  add(part: string, step: ContractChange['step'], message: string, path = ''): void {
    this.changes.push({ member: this.member, part, path, step, message });
  }

  /** Everything that passes `narrow` must pass `wide`. */
  fits(part: string, wide: Schema | undefined, narrow: Schema | undefined): void {
    if (wide === narrow || wide === undefined) return;
    for (const { path, message } of differences(wide, narrow, this.options))
      this.add(part, 'major', message, path);
  }

  /** A difference that is not breaking. */
  widened(part: string, a: Schema | undefined, b: Schema | undefined): void {
    const broken = this.changes.some(
      (change) => change.member === this.member && change.part === part,
    );
    if (a === b || broken) return;
    if (!same(describe(a, this.options), describe(b, this.options)))
      this.add(part, 'minor', 'is not what it was, which breaks no user');
  }

  /** Limits and policies: a difference breaks no caller. */
  settings(names: readonly string[], before: Member, now: Member): void {
    for (const name of names) {
      const [was, is] = [
        (before as unknown as Record<string, unknown>)[name],
        (now as unknown as Record<string, unknown>)[name],
      ];
      if (JSON.stringify(was) !== JSON.stringify(is))
        this.add(name, 'patch', `was ${shown(was)}, and is ${shown(is)}`);
    }
  }
}

const shown = (value: unknown) => (value === undefined ? 'not said' : JSON.stringify(value));

function differences(
  wide: Schema | undefined,
  narrow: Schema | undefined,
  options: CompatOptions,
): readonly { readonly path: string; readonly message: string }[] {
  try {
    return uncovered(describe(wide, options), describe(narrow, options));
  } catch (error) {
    return [{ path: '', message: `cannot be compared: ${messageOf(error)}` }];
  }
}

function describe(schema: Schema | undefined, options: CompatOptions): JsonSchema {
  if (schema === undefined) return true;
  const standard = schema['~standard'] as Schema['~standard'] & Partial<StandardJSONSchemaV1.Props>;
  // The wire carries what a schema accepts as input, also for outputs: the caller parses them.
  const described =
    options.jsonSchema?.(schema) ?? standard.jsonSchema?.input({ target: 'draft-2020-12' });
  if (typeof described === 'boolean' || (described !== null && typeof described === 'object'))
    return described as JsonSchema;
  throw new TypeError(
    `schemas of '${standard.vendor}' don't describe themselves: give 'jsonSchema', a function that does`,
  );
}
