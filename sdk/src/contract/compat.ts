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
  const [from, to] = [parseContractId(older.$id), parseContractId(newer.$id)];
  if (from === undefined || to === undefined || from.base !== to.base || from.major > to.major)
    throw createError(
      'contract/invalid',
      `'${older.$id}' and '${newer.$id}' are not two versions of one contract, the older one first`,
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

function compareMembers(
  member: string,
  before: Member,
  now: Member,
  options: CompatOptions,
  changes: ContractChange[],
): void {
  const add = (part: string, step: ContractChange['step'], message: string, path = '') =>
    changes.push({ member, part, path, step, message });
  /** Everything that passes `narrow` must pass `wide`. */
  const fits = (part: string, wide: Schema | undefined, narrow: Schema | undefined) => {
    if (wide === narrow || wide === undefined) return;
    for (const { path, message } of differences(wide, narrow, options))
      add(part, 'major', message, path);
  };
  /** A difference that is not breaking. */
  const widened = (part: string, a: Schema | undefined, b: Schema | undefined) => {
    if (a === b || changes.some((change) => change.member === member && change.part === part))
      return;
    if (!same(describe(a, options), describe(b, options)))
      add(part, 'minor', 'is not what it was, and breaks nobody');
  };
  const settings = (names: readonly string[]) => {
    for (const name of names) {
      const [was, is] = [
        (before as unknown as Record<string, unknown>)[name],
        (now as unknown as Record<string, unknown>)[name],
      ];
      if (JSON.stringify(was) !== JSON.stringify(is))
        add(name, 'patch', `was ${shown(was)}, and is ${shown(is)}`);
    }
  };

  if (before.kind === 'event') {
    const [was, is] = [before, now as Event];
    fits('payload', was.payload, is.payload);
    widened('payload', was.payload, is.payload);
    settings(['overflow', 'queue']);
    return;
  }
  const [was, is] = [before as Command | Hook, now as Command | Hook];
  fits('input', is.input, was.input);
  fits('output', was.output, is.output);
  if (before.kind === 'hook') {
    fits('input', was.input, is.input);
    fits('output', is.output, was.output);
  }
  widened('input', was.input, is.input);
  widened('output', was.output, is.output);
  settings(['timeout']);
  if (before.kind === 'hook') return;
  const [command, next] = [before as Command, now as Command];
  for (const [promise, lost] of [
    ['idempotent', 'callers may have run it twice'],
    ['reentrant', 'callers may have called it from within'],
  ] as const) {
    const [had, has] = [command[promise] === true, next[promise] === true];
    if (had && !has) add(promise, 'major', `is not ${promise} any more: ${lost}`);
    if (!had && has) add(promise, 'minor', `is ${promise} now`);
  }
  settings(['retry', 'breaker', 'bulkhead', 'rate', 'cache']);
  for (const code of new Set([...Object.keys(command.errors), ...Object.keys(next.errors)])) {
    const part = `error ${code}`;
    const [had, has] = [command.errors[code], next.errors[code]];
    if (had === undefined || has === undefined)
      add(part, 'minor', had === undefined ? 'is new' : 'is gone');
    else {
      fits(part, had, has);
      widened(part, had, has);
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
