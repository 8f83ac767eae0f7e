/** Compares a plugin with its last released version, contract by contract. */
import {
  type AnyContract,
  type ContractChange,
  compareVersions,
  compat,
  contract,
  type Member,
  parseContractId,
  type Schema,
  type VersionStep,
} from '@plinth/sdk/contract';
import type { ContractFacts, Facts, JsonSchema, MemberFacts } from '../bundle/facts.js';
import { type Finding, START } from './finding.js';

/** A plugin at one version. */
export interface Release {
  readonly id: string;
  readonly version: string;
  readonly facts: Facts;
}

/** Findings about compatibility. `older` is the last released version. */
export function checkRelease(older: Release, newer: Release): readonly Finding[] {
  const found = (rule: Finding['rule'], message: string, cure: string): Finding => ({
    rule,
    severity: 'error',
    message,
    file: 'plugin.json',
    place: START,
    cure,
  });
  if (older.id !== newer.id)
    return [
      found(
        'compat/version',
        `the released version is of ${older.id}, and this plugin is ${newer.id}`,
        'Compare with a version of the same plugin.',
      ),
    ];
  const changes = older.facts.provides.flatMap((was) => changesOf(was, newer.facts));
  const added = newer.facts.provides.some(
    ({ id }) => !older.facts.provides.some((one) => one.id === id),
  );
  const findings = changes
    .filter(({ step }) => step === 'major')
    .map(({ contract: id, member, part, path, message }) =>
      found(
        'compat/breaking',
        `${[`${id} ${member}`.trim(), part, path].filter(Boolean).join(' ')}: ${message}`,
        'Keep what users of the released version rely on, or raise the major of the contract and keep the old one beside it.',
      ),
    );
  const step = stepOf(changes, added);
  if (step === 'none' || raises(older.version, newer.version, step)) return findings;
  return [
    ...findings,
    found(
      'compat/version',
      `the changes since ${older.version} need a ${step} version, and this is ${newer.version}`,
      'Raise version in plugin.json.',
    ),
  ];
}

type Change = ContractChange & { readonly contract: string };

/** What has changed of one contract: against the same major if it is still there. */
function changesOf(was: ContractFacts, { provides }: Facts): readonly Change[] {
  const now = provides.find(({ id }) => id === was.id);
  if (now !== undefined)
    return compat(contractOf(was), contractOf(now), { jsonSchema }).changes.map((change) => ({
      ...change,
      contract: was.id,
    }));
  const base = parseContractId(was.id)?.base;
  const next = provides.find(({ id }) => parseContractId(id)?.base === base);
  const message = `the contract is gone${next === undefined ? '' : `; there is ${next.id}`}`;
  return [{ contract: was.id, member: '', path: '', step: 'major', message }];
}

function stepOf(changes: readonly Change[], added: boolean): VersionStep {
  const steps = [...changes.map(({ step }) => step), ...(added ? ['minor'] : [])];
  return (['major', 'minor', 'patch'] as const).find((one) => steps.includes(one)) ?? 'none';
}

/** Whether a version is as much higher as a step asks for. */
function raises(from: string, to: string, step: VersionStep): boolean {
  if (compareVersions(to, from) <= 0) return false;
  const [was, is] = [partsOf(from), partsOf(to)];
  if (step === 'patch' || is[0] !== was[0]) return true;
  return step === 'minor' && is[1] !== was[1];
}

const partsOf = (version: string) => version.split(/[.+-]/, 3);

/** A schema that knows nothing but its JSON Schema. */
const described = new WeakMap<Schema, JsonSchema>();
const jsonSchema = (schema: Schema) => described.get(schema) ?? {};

function schemaOf(json: JsonSchema | undefined): Schema | undefined {
  if (json === undefined) return undefined;
  const schema: Schema = {
    '~standard': { version: 1, vendor: 'plinth-json', validate: (value) => ({ value }) },
  };
  described.set(schema, json);
  return schema;
}

function contractOf({ id, members }: ContractFacts): AnyContract {
  return contract(id, Object.fromEntries(members.map((one) => [one.name, memberOf(one)])));
}

function memberOf({ kind, settings, input, output, payload, errors }: MemberFacts): Member {
  const parts = Object.entries({
    input: schemaOf(input.input),
    output: schemaOf(output.input),
    payload: schemaOf(payload.input),
  }).filter(([, schema]) => schema !== undefined);
  return {
    ...settings,
    kind,
    ...Object.fromEntries(parts),
    ...(kind === 'event' && payload.input === undefined && { payload: schemaOf({}) }),
    ...(kind === 'command' && {
      errors: Object.fromEntries(
        Object.entries(errors).map(([code, json]) => [code, schemaOf(json.input ?? {}) as Schema]),
      ),
    }),
  } as Member;
}
