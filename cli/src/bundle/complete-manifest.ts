/**
 * Completes a manifest from what the code declares, and finds where the two disagree. What the
 * author has written stays as it is.
 */
import { parseContractId, parseNeed } from '@plinth/sdk/contract';
import type { RawManifest } from '../manifest/source-manifest.js';
import type { Facts, JsonSchema, MemberFacts } from './facts.js';
import { schemaDifferences } from './schema-differences.js';

/** A place where the manifest says something else than the code. */
export interface Disagreement {
  /** Dotted path in the manifest. */
  readonly path: string;
  readonly message: string;
}

/** The manifest that is shipped. */
export interface Completed {
  readonly manifest: RawManifest;
  readonly disagreements: readonly Disagreement[];
}

type Entry = Readonly<Record<string, unknown>>;

/** Adds contracts, needs, commands, events, hooks and the schema of the configuration. */
export function completeManifest(raw: RawManifest, facts: Facts): Completed {
  const disagreements: Disagreement[] = [];
  const id = String(raw.id);
  const own = facts.provides.filter(({ id: one }) => parseContractId(one)?.base === id);
  const members = own.flatMap((one) => one.members);
  const lists = contributions(raw, members, disagreements);
  const contributes = { ...(Object(raw.contributes) as object), ...lists };
  const provides = providesOf(raw, facts, disagreements);
  const needs = needsOf(raw, facts, disagreements);
  const config = configOf(raw, facts, disagreements);
  const manifest = {
    ...raw,
    ...(provides.length > 0 && { provides }),
    ...(needs.length > 0 && { needs }),
    ...(Object.keys(contributes).length > 0 && { contributes }),
    ...(config !== undefined && { config }),
  };
  return { manifest, disagreements };
}

function providesOf(raw: RawManifest, facts: Facts, problems: Disagreement[]): readonly string[] {
  const coded = facts.provides.map(({ id }) => id);
  if (!Array.isArray(raw.provides)) return coded;
  const written = raw.provides.map(String);
  for (const [index, one] of written.entries())
    if (!coded.includes(one))
      problems.push({
        path: `provides.${index}`,
        message: `'${one}' is not in 'provides' of the code, which has ${listed(coded)}`,
      });
  for (const one of coded)
    if (!written.includes(one))
      problems.push({
        path: 'provides',
        message: `the code provides '${one}', which is not listed`,
      });
  return written;
}

function needsOf(raw: RawManifest, facts: Facts, problems: Disagreement[]): readonly string[] {
  const written = Array.isArray(raw.needs) ? raw.needs.map(String) : [];
  const baseOf = (contract: string) => parseContractId(contract)?.base ?? contract;
  const coded = facts.needs.map(({ contract }) => baseOf(contract));
  for (const [index, one] of written.entries()) {
    const base = parseNeed(one)?.base;
    if (base !== undefined && !coded.includes(base))
      problems.push({
        path: `needs.${index}`,
        message: `'${one}' is not in 'needs' of the code, which has ${listed(coded)}`,
      });
  }
  const bases = new Set(written.map((one) => parseNeed(one)?.base));
  const missing = facts.needs
    .filter(({ contract, optional }) => !optional && !bases.has(baseOf(contract)))
    .map(({ contract }) => `${baseOf(contract)}@^${parseContractId(contract)?.major ?? 1}`);
  return [...written, ...missing];
}

function configOf(
  raw: RawManifest,
  { config }: Facts,
  problems: Disagreement[],
): JsonSchema | undefined {
  if (raw.config === undefined) return config;
  if (config !== undefined)
    for (const { path, message } of schemaDifferences(raw.config, config))
      problems.push({ path: pathIn('config', path), message });
  return undefined;
}

/** The lists of `contributes` that contracts fill. */
function contributions(
  raw: RawManifest,
  members: readonly MemberFacts[],
  problems: Disagreement[],
): Readonly<Record<string, readonly Entry[]>> {
  const given = Object(raw.contributes) as Readonly<Record<string, unknown>>;
  const kinds = [
    ['commands', 'command', ['input', 'output']],
    ['events', 'event', ['payload']],
    ['hooks', 'hook', ['input', 'output']],
  ] as const;
  return Object.fromEntries(
    kinds.flatMap(([list, kind, parts]) => {
      const written = Array.isArray(given[list]) ? (given[list] as readonly Entry[]) : [];
      const coded = members.filter((member) => member.kind === kind);
      const known = new Set(written.map(({ id }) => id));
      const merged = written.map((entry, index) => {
        const member = coded.find(({ name }) => name === entry.id);
        if (member === undefined) return entry;
        for (const part of parts)
          compare(entry, member, part, `contributes.${list}.${index}`, problems);
        return { ...schemasOf(member, parts), ...entry };
      });
      const added = coded
        .filter(({ name }) => !known.has(name))
        .map((member) => ({ id: member.name, ...schemasOf(member, parts) }));
      const all = [...merged.map(idFirst), ...added];
      return all.length === 0 ? [] : [[list, all]];
    }),
  );
}

type Part = 'input' | 'output' | 'payload';

function compare(
  entry: Entry,
  member: MemberFacts,
  part: Part,
  at: string,
  problems: Disagreement[],
): void {
  const [written, coded] = [entry[part], member[part].input];
  if (written === undefined || coded === undefined) return;
  for (const { path, message } of schemaDifferences(written, coded))
    problems.push({
      path: `${at}.${part}`,
      message: `${part}${path === '' ? '' : ` '${path}'`} of '${member.name}' ${message}`,
    });
}

const schemasOf = (member: MemberFacts, parts: readonly Part[]): Entry =>
  Object.fromEntries(
    parts.flatMap((part) => {
      const { input } = member[part];
      return input === undefined ? [] : [[part, input]];
    }),
  );
const idFirst = ({ id, ...rest }: Entry): Entry => ({ id, ...rest });
const pathIn = (parent: string, path: string) => (path === '' ? parent : `${parent}.${path}`);
const listed = (ids: readonly string[]) => (ids.length === 0 ? 'none' : ids.join(', '));
