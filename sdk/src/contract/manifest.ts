/**
 * `plugin.json`: what can be known about a plugin without running it. The text is untrusted: parsed
 * once, strictly.
 */
import * as v from 'valibot';
import { deepFreeze } from './deep-freeze.js';
import { didYouMean } from './did-you-mean.js';
import { createError } from './error-codes.js';
import type { PluginError } from './errors.js';
import { deepKey, duplicateKeys, hasPlainKeys, lossyNumbers } from './json-text.js';
import { isMemberName, isOpen, isPattern, parseContractId, pluginIdProblem } from './names.js';
import { parseNeed } from './need.js';
import { parseSize } from './permission.js';
import type { PermissionName } from './permission-names.js';
import { type DeclaredCallPolicy, POLICY_PARTS, policyProblem } from './policy.js';
import { isRange, isVersion } from './range.js';
import { parseRight } from './right.js';
import type { Issue } from './schema.js';
import { A_TIME, isTime } from './time.js';
import { TOO_DEEP, unsafeKeys } from './unsafe-keys.js';

/** Largest manifest, in bytes. */
export const MAX_MANIFEST = 262_144;
/** Most problems reported for one manifest, and most characters of each. */
const MAX_PROBLEMS = 50;
const MAX_TOLD = 200;
/** Most values in a manifest, schemas excluded: each invalid one costs the host time. */
const MAX_PARTS = 10_000;
/** Longest lists of the kinds that cost most. */
const MAX_LENGTHS = { dependencies: 128, optionalDependencies: 128, needs: 128 } as const;

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const checked = (max: number, test: (value: string) => boolean, message: string) =>
  v.pipe(
    v.string(),
    v.maxLength(max),
    // A text that is too long is not tested further.
    v.check((value) => value.length > max || test(value), message),
  );
const list = <const T extends v.GenericSchema>(item: T, max: number) =>
  v.pipe(v.array(item), v.maxLength(max));

const id = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const problem = dataset.typed ? pluginIdProblem(dataset.value) : undefined;
    if (problem !== undefined) addIssue({ message: problem });
  }),
);
const version = checked(256, isVersion, "not a version: write 'major.minor.patch', like '1.2.0'");
const range = checked(256, isRange, "not a version range: write one like '^1.2.0'");
const contractId = checked(
  160,
  (value) => parseContractId(value) !== undefined,
  "not a contract id: write '<plugin id>@<major>'",
);
const need = checked(
  320,
  (value) => parseNeed(value) !== undefined,
  "not a need: write '<plugin id>@<range>', like 'com.example.search@^1'",
);
const right = (name: PermissionName, isScope: (scope: string) => boolean, message: string) =>
  checked(
    512,
    (value) => {
      const parsed = parseRight(name, value);
      return parsed !== undefined && isScope(parsed.scope);
    },
    message,
  );
const scope = right(
  'commands.execute',
  isPattern,
  "not a scope: write an id, or a prefix that ends in '*', perhaps with a rate, like 'app:* 10/s'",
);
const provided = right(
  'contracts.provide',
  isPattern,
  "not an open contract: write its id, like 'plinth.data-provider', or a prefix that ends in '*'",
);
const url = right(
  'network.fetch',
  () => true,
  "not a scope of the network: write an origin, or a prefix of URLs like 'https://api.example.com/v1/*', perhaps after methods, like 'GET,HEAD '",
);
const named = right(
  'storage.read',
  () => true,
  "not a scope: write a text, or a prefix that ends in '*'",
);
const target = checked(
  512,
  (value) => /^(command|event):/.test(value) && isPattern(value.slice(value.indexOf(':') + 1)),
  "not a target: write 'command:<id>' or 'event:<topic>', the end may be '*'",
);
const size = v.pipe(
  v.union([v.string(), v.number()]),
  v.check(
    (value) => parseSize(value) !== undefined,
    "not a size: write bytes or a text like '5MB'",
  ),
);
const relativePath = v.pipe(
  checked(
    512,
    isRelativePath,
    "not a path inside the plugin's folder: no '..', no drive, no leading '/'",
  ),
  v.transform((path) => path.replace(/^\.\//, '')),
);
const scopes = list(scope, 256);
const texts = list(named, 256);
const keys = v.union([v.boolean(), texts], 'Expected boolean or a list of keys');
const activation = checked(
  512,
  isActivation,
  "not an activation event: write 'startup', 'command:<id>', 'event:<topic>', 'hook:<id>' or 'need:<contract>'",
);
const json = v.record(v.string(), v.unknown());

const permissions = v.strictObject({
  storage: v.optional(
    v.strictObject({ read: v.optional(keys), write: v.optional(keys), quota: v.optional(size) }),
  ),
  network: v.optional(v.strictObject({ fetch: v.optional(list(url, 256)) })),
  commands: v.optional(v.strictObject({ execute: v.optional(scopes) })),
  events: v.optional(v.strictObject({ subscribe: v.optional(scopes), emit: v.optional(scopes) })),
  middleware: v.optional(v.strictObject({ use: v.optional(list(target, 256)) })),
  hooks: v.optional(v.strictObject({ call: v.optional(scopes), handle: v.optional(scopes) })),
  messaging: v.optional(v.strictObject({ send: v.optional(scopes) })),
  services: v.optional(v.strictObject({ get: v.optional(scopes) })),
  contracts: v.optional(v.strictObject({ provide: v.optional(list(provided, 256)) })),
  fs: v.optional(v.strictObject({ read: v.optional(texts), write: v.optional(texts) })),
  env: v.optional(v.strictObject({ read: v.optional(texts) })),
  config: v.optional(v.strictObject({ read: v.optional(scopes), write: v.optional(scopes) })),
  secrets: v.optional(v.strictObject({ read: v.optional(texts) })),
  logs: v.optional(v.strictObject({ write: v.optional(v.boolean()) })),
  plugins: v.optional(v.strictObject({ manage: v.optional(scopes) })),
  system: v.optional(v.strictObject({ read: v.optional(v.boolean()) })),
  wasm: v.optional(v.boolean()),
});

const contributedCommand = v.strictObject({
  id: checked(128, isMemberName, 'not a member name: letters and digits, lower-case first'),
  title: v.optional(text(200)),
  description: v.optional(text(2_000)),
  input: v.optional(json),
  output: v.optional(json),
  tags: v.optional(list(text(64), 256)),
  requiresAuth: v.optional(v.boolean()),
  rateLimit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  policy: v.optional(
    v.pipe(
      json,
      v.rawCheck(({ dataset, addIssue }) => {
        const problem = dataset.typed ? policyProblem(dataset.value) : undefined;
        if (problem !== undefined)
          addIssue({
            message: `'${problem}' is not a policy, or has no value for one: write some of ${POLICY_PARTS.join(', ')}`,
          });
      }),
      v.transform((value) => value as DeclaredCallPolicy),
    ),
  ),
});

const contributed = {
  id: checked(128, isMemberName, 'not a member name: letters and digits, lower-case first'),
  title: v.optional(text(200)),
  description: v.optional(text(2_000)),
  tags: v.optional(list(text(64), 64)),
};
const contributedEvent = v.strictObject({ ...contributed, payload: v.optional(json) });
const contributedHook = v.strictObject({
  ...contributed,
  input: v.optional(json),
  output: v.optional(json),
});
const contributedMessage = v.strictObject({
  type: checked(
    256,
    (value) => value !== '' && !value.slice(0, -1).includes('*'),
    "not a type of messages: write a text like 'chat.question', or a prefix that ends in '*'",
  ),
  title: v.optional(text(200)),
  description: v.optional(text(2_000)),
});

const contributedMiddleware = v.strictObject({ target, optional: v.optional(v.boolean()) });

const isolation = v.picklist(['inline', 'worker', 'process', 'sandbox']);

/** The package's repository, as npm writes it. For people and tools. */
const repository = v.union(
  [
    text(2_048),
    v.strictObject({
      type: v.optional(text(64)),
      url: text(2_048),
      directory: v.optional(text(512)),
    }),
  ],
  'Expected a URL, or an object with a url',
);

/** The schema of `plugin.json`. */
export const manifestSchema = v.strictObject({
  $schema: v.optional(text(512)),
  manifestVersion: v.optional(v.picklist([1, '1', '1.0', '1.0.0'])),
  id,
  name: v.optional(text(200)),
  version,
  description: v.optional(text(2_000)),
  author: v.optional(text(200)),
  license: v.optional(text(200)),
  homepage: v.optional(text(2_048)),
  repository: v.optional(repository),
  keywords: v.optional(list(text(64), 256)),
  main: relativePath,
  engines: v.strictObject({
    plinth: range,
    // For people and tools. `runtimes` says where a plugin runs, `requiredFeatures` what it needs
    // there.
    node: v.optional(text(256)),
    browsers: v.optional(
      v.union([text(256), list(text(256), 64)], 'Expected a text or a list of texts'),
    ),
  }),
  runtimes: v.optional(v.pipe(v.array(v.picklist(['browser', 'node'])), v.minLength(1))),
  requiredFeatures: v.optional(list(text(64), 256)),
  dependencies: v.optional(v.pipe(v.record(id, range), v.maxEntries(MAX_LENGTHS.dependencies)), {}),
  optionalDependencies: v.optional(
    v.pipe(v.record(id, range), v.maxEntries(MAX_LENGTHS.optionalDependencies)),
    {},
  ),
  provides: v.optional(list(contractId, 256)),
  needs: v.optional(list(need, MAX_LENGTHS.needs), []),
  activation: v.optional(list(activation, 1_024), ['startup']),
  isolation: v.optional(isolation, 'worker'),
  tenancy: v.optional(v.picklist(['isolated', 'shared']), 'isolated'),
  permissions: v.optional(permissions, {}),
  resources: v.optional(
    v.strictObject({
      memory: v.optional(size),
      cpu: v.optional(v.pipe(v.number(), v.minValue(0.01), v.maxValue(64))),
      timeout: v.optional(
        v.pipe(
          v.number(),
          v.check((value) => isTime(value), `Expected ${A_TIME}`),
        ),
      ),
      concurrency: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(8_192))),
    }),
    {},
  ),
  contributes: v.optional(
    // Points of applications and their extensions, too: what they say there is checked by the application.
    v.objectWithRest(
      {
        commands: v.optional(list(contributedCommand, 1_024)),
        events: v.optional(list(contributedEvent, 1_024)),
        hooks: v.optional(list(contributedHook, 1_024)),
        messages: v.optional(list(contributedMessage, 256)),
        middleware: v.optional(list(contributedMiddleware, 256)),
      },
      v.unknown(),
    ),
    {},
  ),
  config: v.optional(json),
  tags: v.optional(list(text(64), 256), []),
  files: v.optional(
    v.pipe(
      v.record(
        relativePath,
        checked(
          64,
          (value) => /^[0-9a-f]{64}$/.test(value),
          'not a SHA-256 digest: 64 lower-case hex digits',
        ),
      ),
      v.maxEntries(2_000),
    ),
  ),
});

/** A validated manifest, defaults filled in. */
export type Manifest = v.InferOutput<typeof manifestSchema>;
/** A manifest as its author writes it. */
export type ManifestInput = v.InferInput<typeof manifestSchema>;
/** Where a plugin runs; see the isolation table in the README. */
export type Isolation = v.InferOutput<typeof isolation>;

/** Keys that this version refuses, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  'permissions.workers': ': plugins start no threads of their own',
  state: ': state is handed over as it is, keep a version inside of it',
};

/** What a reader of manifests knows of the application. */
export interface ManifestOptions {
  /** Whether any plugin may provide a contract, by its base; the standard ones when absent. */
  readonly open?: (base: string) => boolean;
}

/**
 * Reads a manifest from text or from an already parsed object.
 *
 * @param origin where it came from, named in every error.
 * @throws PluginManifestError `manifest/missing` (empty), `manifest/too-large`,
 * `manifest/not-json`, or `manifest/invalid` with every problem and its path in `details.problems`,
 * at most 50.
 */
export function parseManifest(
  source: string | object,
  origin = 'plugin.json',
  { open = isOpen }: ManifestOptions = {},
): Manifest {
  const raw = typeof source === 'string' ? parseText(source, origin) : source;
  const problems: Issue[] =
    typeof source !== 'string'
      ? unsafeKeys(raw)
      : hasPlainKeys(source, raw)
        ? []
        : [...duplicateKeys(source), ...unsafeKeys(raw)];
  if (typeof source === 'string')
    for (const written of lossyNumbers(source).slice(0, 8))
      problems.push({
        path: '',
        message: `${written} has more digits than a number keeps: write it as a text, in quotes`,
      });
  // The schema walks the value, so a value that would overflow the stack or take too long is
  // refused first.
  const bounds = problems.some(({ message }) => message === TOO_DEEP) ? problems : tooMuch(raw);
  if (bounds.length > 0) throw invalid(raw, bounds, origin);
  const result = v.safeParse(manifestSchema, raw);
  problems.push(
    ...(result.issues ?? []).slice(0, MAX_PROBLEMS).map(toProblem),
    ...semanticProblems(result.typed ? result.output : undefined, raw, open),
  );
  if (problems.length > 0) throw invalid(raw, problems, origin);
  return deepFreeze(result.output as Manifest);
}

/** Where a manifest exceeds the bounds of what is given to the schema. */
function tooMuch(raw: unknown): Issue[] {
  const problems: Issue[] = [];
  for (const [path, most] of Object.entries(MAX_LENGTHS)) {
    const given: unknown = Object(raw)[path];
    const size = Array.isArray(given)
      ? given.length
      : given !== null && typeof given === 'object'
        ? Object.keys(given).length
        : 0;
    if (size > most) problems.push({ path, message: `has ${size} entries, more than ${most}` });
  }
  if (partsOf(raw) > MAX_PARTS)
    problems.push({
      path: '',
      message: `has more than ${MAX_PARTS} values, those in schemas not counted`,
    });
  return problems;
}

/** Keys that hold schemas; these are checked separately. */
const SCHEMAS: ReadonlySet<string> = new Set(['config', 'input', 'output']);

/** The number of values, counted only slightly past the most a manifest may have. */
function partsOf(value: unknown): number {
  if (value === null || typeof value !== 'object') return 1;
  let parts = 1;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && parts <= MAX_PARTS; index++)
      parts += partsOf(value[index]);
    return parts;
  }
  for (const key in value) {
    parts += SCHEMAS.has(key) ? 1 : partsOf((value as Readonly<Record<string, unknown>>)[key]);
    if (parts > MAX_PARTS) break;
  }
  return parts;
}

/** From this many characters on, a text's depth is checked before it is parsed. */
const DEPTH_CHECK_FROM = 16_384;

function parseText(source: string, origin: string): unknown {
  if (source.trim() === '')
    throw createError('manifest/missing', `${origin} is empty`, { details: { origin } });
  if (source.length > MAX_MANIFEST) {
    throw createError(
      'manifest/too-large',
      `${origin} has ${source.length} characters; a manifest has at most ${MAX_MANIFEST}`,
      { details: { origin } },
    );
  }
  const deep = source.length > DEPTH_CHECK_FROM ? deepKey(source) : undefined;
  if (deep !== undefined) throw invalid(undefined, [{ path: deep, message: TOO_DEEP }], origin);
  try {
    return JSON.parse(source.charCodeAt(0) === 0xfeff ? source.slice(1) : source);
  } catch (cause) {
    const page = /^\s*<[!?a-z]/i.test(source.slice(0, 1_024));
    const what = page
      ? 'it is a page (HTML): check the path, and that a server answers what it does not have with 404 and not with its start page'
      : (cause as Error).message;
    throw createError('manifest/not-json', `${origin} is not JSON: ${what}`, {
      details: { origin },
      cause,
    });
  }
}

function invalid(raw: unknown, problems: readonly Issue[], origin: string): PluginError {
  const told = problems
    .slice(0, MAX_PROBLEMS)
    .map(({ path, message }) => ({ path: cut(path), message: cut(message) }));
  const lines = told.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  if (told.length === MAX_PROBLEMS) lines.push('there may be more');
  const claimed = (raw as { id?: unknown } | null)?.id;
  const plugin =
    typeof claimed === 'string' && pluginIdProblem(claimed) === undefined ? claimed : undefined;
  return createError(
    'manifest/invalid',
    `${origin}${plugin === undefined ? '' : ` (${plugin})`} is not a valid manifest: ${lines.join('; ')}`,
    {
      plugin,
      details: { origin, problems: told },
    },
  );
}

const cut = (words: string) => (words.length > MAX_TOLD ? `${words.slice(0, MAX_TOLD)}…` : words);

function toProblem(issue: v.BaseIssue<unknown>): Issue {
  const path = (issue.path ?? []).map((part) => String(part.key)).join('.');
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const key = String(issue.path?.at(-1)?.key);
    const parent = issue.path?.at(-1)?.input as object | undefined;
    if (Array.isArray(parent))
      return {
        path: path.slice(0, -key.length - 1),
        message: 'is a list, and has to be an object',
      };
    return {
      path,
      message: `unknown key${REFUSED[path] ?? didYouMean(key, knownKeys(path), Object.keys(parent ?? {}))}`,
    };
  }
  if (issue.received === 'undefined' && issue.kind === 'schema')
    return { path, message: 'is required' };
  return { path, message: issue.message };
}

/** The keys that the schema knows at a path's parent. */
function knownKeys(path: string): readonly string[] {
  let schema: unknown = manifestSchema;
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

/** Contracts that a manifest promises and that aren't its plugin's to provide. */
function foreignProvides(
  { id, provides = [] }: Manifest,
  open: (base: string) => boolean,
): Issue[] {
  return provides.flatMap((provided) => {
    const base = parseContractId(provided)?.base;
    if (base === undefined || base === id || open(base)) return [];
    return {
      path: 'provides',
      message: `'${provided}' is not this plugin's: a plugin provides contracts under its own id '${id}', and those that the application opens (option 'contracts')`,
    };
  });
}

/** Points that one manifest may contribute to. */
const MAX_POINTS = 64;

/** Keys of `contributes` that are hardly meant as points of an application. */
function misspeltPoints({ contributes }: Manifest): Issue[] {
  const known = knownKeys('contributes.x');
  const given = Object.keys(contributes);
  if (given.length > MAX_POINTS)
    return [{ path: 'contributes', message: `has ${given.length} keys, at most ${MAX_POINTS}` }];
  return given.flatMap((point) => {
    if (known.includes(point)) return [];
    const path = `contributes.${cut(point)}`;
    if (!/^[a-z][a-zA-Z0-9-]{0,63}$/.test(point))
      return { path, message: "is no point of an application: letters, digits and '-'" };
    const near = didYouMean(point, known, given);
    return near === '' ? [] : { path, message: `unknown key${near}` };
  });
}

/**
 * Checks that a plugin may provide the contracts that its manifest promises.
 *
 * @param open whether any plugin may provide a contract, by its base.
 * @throws PluginManifestError `manifest/invalid`.
 */
export function checkProvides(
  manifest: Manifest,
  origin: string,
  open: (base: string) => boolean,
): void {
  const problems = foreignProvides(manifest, open);
  if (problems.length > 0) throw invalid(manifest, problems, origin);
}

function semanticProblems(
  parsed: Manifest | undefined,
  raw: unknown,
  open: (base: string) => boolean,
): Issue[] {
  if (parsed === undefined) return [];
  const problems: Issue[] = [];
  for (const key of ['dependencies', 'optionalDependencies'] as const) {
    if (Object.hasOwn(parsed[key], parsed.id))
      problems.push({ path: `${key}.${parsed.id}`, message: 'a plugin cannot depend on itself' });
  }
  problems.push(...foreignProvides(parsed, open), ...misspeltPoints(parsed));
  for (const what of ['commands', 'events', 'hooks'] as const) {
    const ids = new Set<string>();
    for (const [index, { id }] of (parsed.contributes[what] ?? []).entries()) {
      if (ids.has(id))
        problems.push({
          path: `contributes.${what}.${index}.id`,
          message: `'${id}' is contributed twice`,
        });
      ids.add(id);
    }
  }
  const { files, main } = parsed;
  if (files !== undefined) {
    if (!Object.hasOwn(files, main))
      problems.push({
        path: 'files',
        message: `has no digest of '${main}', which is what runs: add it, or leave 'files' out`,
      });
    if (Object.keys(files).length < Object.keys((raw as { files: object }).files).length)
      problems.push({ path: 'files', message: 'has a file twice' });
  }
  return problems;
}

function isActivation(value: string): boolean {
  if (value === 'startup') return true;
  const kind = value.slice(0, value.indexOf(':'));
  const what = value.slice(kind.length + 1);
  if (kind === 'need') return parseContractId(what) !== undefined || parseNeed(what) !== undefined;
  return ['command', 'event', 'hook'].includes(kind) && what !== '';
}

/** Whether a path stays inside the folder it is relative to, on every platform. */
export function isRelativePath(path: string): boolean {
  // A percent sign and a hash have a meaning in URLs.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\0-\x1f\x7f<>:"|?*\\%#]/.test(path)) return false;
  return path
    .replace(/^\.\//, '')
    .split('/')
    .every((part) => part !== '' && !/[. ]$/.test(part));
}
