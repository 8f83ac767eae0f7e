/** `plugin.json`: what can be known about a plugin without running it. Text from strangers: parsed once, strictly. */
import * as v from 'valibot';
import { createError } from './error-codes.js';
import type { PluginError } from './errors.js';
import { didYouMean, duplicateKeys, hasPlainKeys, TOO_DEEP, unsafeKeys } from './json-text.js';
import { isMemberName, isPattern, parseContractId, pluginIdProblem } from './names.js';
import { parseSize } from './permission.js';
import type { PermissionName } from './permission-names.js';
import { type DeclaredCallPolicy, POLICY_PARTS, policyProblem } from './policy.js';
import { isRange, isVersion } from './range.js';
import { parseRight } from './right.js';
import type { Issue } from './schema.js';

/** Largest manifest, in bytes. */
export const MAX_MANIFEST = 262_144;

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const checked = (max: number, test: (value: string) => boolean, message: string) => v.pipe(v.string(), v.maxLength(max), v.check(test, message));

const id = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const problem = dataset.typed ? pluginIdProblem(dataset.value) : undefined;
    if (problem !== undefined) addIssue({ message: problem });
  }),
);
const version = checked(256, isVersion, "not a version: write 'major.minor.patch', like '1.2.0'");
const range = checked(256, isRange, "not a version range: write one like '^1.2.0'");
const contractId = checked(160, (value) => parseContractId(value) !== undefined, "not a contract id: write '<plugin id>@<major>'");
const need = checked(320, (value) => parseNeed(value) !== undefined, "not a need: write '<plugin id>@<range>', like 'com.example.search@^1'");
const right = (name: PermissionName, isScope: (scope: string) => boolean, message: string) =>
  checked(
    512,
    (value) => {
      const parsed = parseRight(name, value);
      return parsed !== undefined && isScope(parsed.scope);
    },
    message,
  );
const scope = right('commands.execute', isPattern, "not a scope: write an id, or a prefix that ends in '*', perhaps with a rate, like 'app:* 10/s'");
const url = right(
  'network.fetch',
  () => true,
  "not a scope of the network: write an origin, or a prefix of URLs like 'https://api.example.com/v1/*', perhaps after methods, like 'GET,HEAD '",
);
const named = right('storage.read', () => true, "not a scope: write a text, or a prefix that ends in '*'");
const target = checked(
  512,
  (value) => /^(command|event):/.test(value) && isPattern(value.slice(value.indexOf(':') + 1)),
  "not a target: write 'command:<id>' or 'event:<topic>', the end may be '*'",
);
const size = v.pipe(
  v.union([v.string(), v.number()]),
  v.check((value) => parseSize(value) !== undefined, "not a size: write bytes or a text like '5MB'"),
);
const relativePath = checked(512, isRelativePath, "not a path inside the plugin's folder: no '..', no drive, no leading '/'");
const scopes = v.pipe(v.array(scope), v.maxLength(256));
const texts = v.pipe(v.array(named), v.maxLength(256));
const keys = v.union([v.boolean(), texts], 'Expected boolean or a list of keys');
const activation = checked(512, isActivation, "not an activation event: write 'startup', 'command:<id>', 'event:<topic>', 'hook:<id>' or 'need:<contract>'");
const json = v.record(v.string(), v.unknown());

const permissions = v.strictObject({
  storage: v.optional(v.strictObject({ read: v.optional(keys), write: v.optional(keys), quota: v.optional(size) })),
  network: v.optional(v.strictObject({ fetch: v.optional(v.pipe(v.array(url), v.maxLength(256))) })),
  commands: v.optional(v.strictObject({ execute: v.optional(scopes) })),
  events: v.optional(v.strictObject({ subscribe: v.optional(scopes), emit: v.optional(scopes) })),
  middleware: v.optional(v.strictObject({ use: v.optional(v.pipe(v.array(target), v.maxLength(256))) })),
  hooks: v.optional(v.strictObject({ call: v.optional(scopes), handle: v.optional(scopes) })),
  messaging: v.optional(v.strictObject({ send: v.optional(scopes) })),
  services: v.optional(v.strictObject({ get: v.optional(scopes) })),
  fs: v.optional(v.strictObject({ read: v.optional(texts), write: v.optional(texts) })),
  env: v.optional(v.strictObject({ read: v.optional(texts) })),
  config: v.optional(v.strictObject({ read: v.optional(scopes), write: v.optional(scopes) })),
  secrets: v.optional(v.strictObject({ read: v.optional(texts) })),
  workers: v.optional(v.boolean()),
  wasm: v.optional(v.boolean()),
});

const contributedCommand = v.strictObject({
  id: checked(128, isMemberName, 'not a member name: letters and digits, lower-case first'),
  title: v.optional(text(200)),
  description: v.optional(text(2_000)),
  input: v.optional(json),
  output: v.optional(json),
  tags: v.optional(v.array(text(64))),
  requiresAuth: v.optional(v.boolean()),
  rateLimit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  policy: v.optional(
    v.pipe(
      json,
      v.rawCheck(({ dataset, addIssue }) => {
        const problem = dataset.typed ? policyProblem(dataset.value) : undefined;
        if (problem !== undefined) addIssue({ message: `'${problem}' is not a policy, or has no value for one: write some of ${POLICY_PARTS.join(', ')}` });
      }),
      v.transform((value) => value as DeclaredCallPolicy),
    ),
  ),
});

const isolation = v.picklist(['inline', 'worker', 'process', 'sandbox']);

const manifest = v.strictObject({
  $schema: v.optional(text(512)),
  id,
  name: v.optional(text(200)),
  version,
  description: v.optional(text(2_000)),
  author: v.optional(text(200)),
  license: v.optional(text(200)),
  main: relativePath,
  engines: v.strictObject({ plinth: range }),
  runtimes: v.optional(v.pipe(v.array(v.picklist(['browser', 'node'])), v.minLength(1))),
  requiredFeatures: v.optional(v.array(text(64))),
  dependencies: v.optional(v.record(id, range), {}),
  optionalDependencies: v.optional(v.record(id, range), {}),
  provides: v.optional(v.array(contractId)),
  needs: v.optional(v.array(need), []),
  activation: v.optional(v.array(activation), ['startup']),
  isolation: v.optional(isolation, 'worker'),
  tenancy: v.optional(v.picklist(['isolated', 'shared']), 'isolated'),
  permissions: v.optional(permissions, {}),
  resources: v.optional(
    v.strictObject({
      memory: v.optional(size),
      cpu: v.optional(v.pipe(v.number(), v.minValue(0.01), v.maxValue(64))),
      timeout: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(86_400_000))),
      concurrency: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(8_192))),
    }),
    {},
  ),
  contributes: v.optional(v.strictObject({ commands: v.optional(v.array(contributedCommand)) }), {}),
  config: v.optional(json),
  state: v.optional(v.strictObject({ version: v.pipe(v.number(), v.integer(), v.minValue(0)) })),
  tags: v.optional(v.array(text(64)), []),
  files: v.optional(
    v.record(
      relativePath,
      checked(64, (value) => /^[0-9a-f]{64}$/.test(value), 'not a SHA-256 digest: 64 lower-case hex digits'),
    ),
  ),
});

/** A validated manifest, defaults filled in. */
export type Manifest = v.InferOutput<typeof manifest>;
/** A manifest as its author writes it. */
export type ManifestInput = v.InferInput<typeof manifest>;
/** Where a plugin runs; see the isolation table in the README. */
export type Isolation = v.InferOutput<typeof isolation>;

/**
 * Reads a manifest from text or from an already parsed object.
 *
 * @param origin where it came from, named in every error.
 * @throws PluginManifestError `manifest/missing` (empty), `manifest/too-large`, `manifest/not-json`, or
 * `manifest/invalid` with every problem and its path in `details.problems`.
 */
export function parseManifest(source: string | object, origin = 'plugin.json'): Manifest {
  const raw = typeof source === 'string' ? parseText(source, origin) : source;
  const problems: Issue[] = typeof source !== 'string' ? unsafeKeys(raw) : hasPlainKeys(source, raw) ? [] : [...duplicateKeys(source), ...unsafeKeys(raw)];
  // The schema walks the value: it must not meet one that overflows the stack.
  if (problems.some(({ message }) => message === TOO_DEEP)) throw invalid(raw, problems, origin);
  const result = v.safeParse(manifest, raw);
  problems.push(...(result.issues ?? []).map(toProblem), ...semanticProblems(result.typed ? result.output : undefined));
  if (problems.length > 0) throw invalid(raw, problems, origin);
  return deepFreeze(result.output as Manifest);
}

function parseText(source: string, origin: string): unknown {
  if (source.trim() === '') throw createError('manifest/missing', `${origin} is empty`, { details: { origin } });
  if (source.length > MAX_MANIFEST) {
    throw createError('manifest/too-large', `${origin} has ${source.length} characters; a manifest has at most ${MAX_MANIFEST}`, { details: { origin } });
  }
  try {
    return JSON.parse(source.charCodeAt(0) === 0xfeff ? source.slice(1) : source);
  } catch (cause) {
    throw createError('manifest/not-json', `${origin} is not JSON: ${(cause as Error).message}`, { details: { origin }, cause });
  }
}

function invalid(raw: unknown, problems: readonly Issue[], origin: string): PluginError {
  const lines = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const claimed = (raw as { id?: unknown } | null)?.id;
  const plugin = typeof claimed === 'string' && pluginIdProblem(claimed) === undefined ? claimed : undefined;
  return createError('manifest/invalid', `${origin}${plugin === undefined ? '' : ` (${plugin})`} is not a valid manifest: ${lines.join('; ')}`, {
    plugin,
    details: { origin, problems },
  });
}

function toProblem(issue: v.BaseIssue<unknown>): Issue {
  const path = (issue.path ?? []).map((part) => String(part.key)).join('.');
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const key = String(issue.path?.at(-1)?.key);
    const parent = issue.path?.at(-1)?.input as object | undefined;
    if (Array.isArray(parent)) return { path: path.slice(0, -key.length - 1), message: 'is a list, and has to be an object' };
    return { path, message: `unknown key${didYouMean(key, knownKeys(path), Object.keys(parent ?? {}))}` };
  }
  if (issue.received === 'undefined' && issue.kind === 'schema') return { path, message: 'is required' };
  return { path, message: issue.message };
}

/** The keys that the schema knows at the parent of a path. */
function knownKeys(path: string): readonly string[] {
  let schema: unknown = manifest;
  for (const part of path.split('.').slice(0, -1)) {
    schema = unwrap(schema);
    const object = schema as { entries?: Record<string, unknown>; item?: unknown };
    schema = object.entries?.[part] ?? object.item;
  }
  return Object.keys((unwrap(schema) as { entries?: object } | undefined)?.entries ?? {});
}

function unwrap(schema: unknown): unknown {
  const wrapped = (schema as { wrapped?: unknown } | undefined)?.wrapped;
  return wrapped === undefined ? schema : unwrap(wrapped);
}

function semanticProblems(parsed: Manifest | undefined): Issue[] {
  if (parsed === undefined) return [];
  const problems: Issue[] = [];
  for (const key of ['dependencies', 'optionalDependencies'] as const) {
    if (Object.hasOwn(parsed[key], parsed.id)) problems.push({ path: `${key}.${parsed.id}`, message: 'a plugin cannot depend on itself' });
  }
  for (const provided of parsed.provides ?? []) {
    const base = parseContractId(provided)?.base;
    if (base !== parsed.id && !base?.startsWith('plinth.')) {
      problems.push({ path: 'provides', message: `'${provided}' is not this plugin's: a plugin provides contracts under its own id '${parsed.id}'` });
    }
  }
  const ids = (parsed.contributes.commands ?? []).map((command) => command.id);
  for (const [index, command] of ids.entries()) {
    if (ids.indexOf(command) !== index) problems.push({ path: `contributes.commands.${index}.id`, message: `'${command}' is contributed twice` });
  }
  return problems;
}

/** `com.example.search@^1` → contract base and range, or undefined when malformed. */
export function parseNeed(value: string): { readonly base: string; readonly range: string } | undefined {
  const at = value.indexOf('@');
  if (at <= 0) return undefined;
  const base = value.slice(0, at);
  const versions = value.slice(at + 1);
  const known = base.startsWith('plinth.') || pluginIdProblem(base) === undefined;
  return known && isRange(versions) && versions !== '' ? { base, range: versions } : undefined;
}

function isActivation(value: string): boolean {
  if (value === 'startup') return true;
  const kind = value.slice(0, value.indexOf(':'));
  return ['command', 'event', 'hook', 'need'].includes(kind) && value.length > kind.length + 1;
}

/** Whether a path stays inside the folder it is relative to, on every platform. */
export function isRelativePath(path: string): boolean {
  const bare = path.startsWith('./') ? path.slice(2) : path;
  if (/^[/\\]|^[A-Za-z]:|[\0<>:"|?*\\]/.test(bare)) return false;
  return bare.split('/').every((part) => part !== '' && part !== '..' && part !== '.');
}

function deepFreeze<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const key in value) {
    const inner: unknown = value[key];
    if (inner !== null && typeof inner === 'object') deepFreeze(inner);
  }
  return value;
}
