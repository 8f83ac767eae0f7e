/** The schema of `plugin.json`, and the types of what it accepts. */
import * as v from 'valibot';
import {
  activation,
  checked,
  contractId,
  id,
  json,
  keys,
  list,
  need,
  provided,
  range,
  relativePath,
  scopes,
  size,
  slot,
  target,
  text,
  texts,
  url,
  version,
} from './manifest-terms.js';
import { isMemberName } from './names.js';
import { type DeclaredCallPolicy, POLICY_PARTS, policyProblem } from './policy.js';
import { A_TIME, isTime } from './time.js';

/** Longest lists of the kinds that cost most. */
export const MAX_LENGTHS = { dependencies: 128, optionalDependencies: 128, needs: 128 } as const;

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
  ui: v.optional(v.strictObject({ show: v.optional(list(slot, 256)) })),
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
