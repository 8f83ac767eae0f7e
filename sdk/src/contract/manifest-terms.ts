/** The single values of a manifest: what each may be, and what is said when it isn't. */
import * as v from 'valibot';
import { isPattern, parseContractId, pluginIdProblem } from './names.js';
import { parseNeed } from './need.js';
import { parseSize } from './permission.js';
import type { PermissionName } from './permission-names.js';
import { isRange, isVersion } from './range.js';
import { parseRight } from './right.js';

/** A text of at most so many characters. */
export const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
/** A text that passes a test. */
export const checked = (max: number, test: (value: string) => boolean, message: string) =>
  v.pipe(
    v.string(),
    v.maxLength(max),
    // A text that is too long is not tested further.
    v.check((value) => value.length > max || test(value), message),
  );
/** A list of at most so many items. */
export const list = <const T extends v.GenericSchema>(item: T, max: number) =>
  v.pipe(v.array(item), v.maxLength(max));

/** The id of a plugin. */
export const id = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const problem = dataset.typed ? pluginIdProblem(dataset.value) : undefined;
    if (problem !== undefined) addIssue({ message: problem });
  }),
);
/** A semantic version. */
export const version = checked(
  256,
  isVersion,
  "not a version: write 'major.minor.patch', like '1.2.0'",
);
/** A range of semantic versions. */
export const range = checked(256, isRange, "not a version range: write one like '^1.2.0'");
/** The id of a contract that the plugin provides. */
export const contractId = checked(
  160,
  (value) => parseContractId(value) !== undefined,
  "not a contract id: write '<plugin id>@<major>'",
);
/** A contract that the plugin needs, with a range. */
export const need = checked(
  320,
  (value) => parseNeed(value) !== undefined,
  "not a need: write '<plugin id>@<range>', like 'com.example.search@^1'",
);
const SLOT = /^(\*|[a-z][a-z0-9-]*(\/[a-z0-9-]+)*\/?\*?)$/;
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
/** A contract that a plugin may provide though it isn't its own. */
export const provided = right(
  'contracts.provide',
  isPattern,
  "not an open contract: write its id, like 'plinth.data-provider', or a prefix that ends in '*'",
);
/** A place of the application in which a plugin shows views. */
export const slot = right(
  'ui.show',
  (value) => SLOT.test(value),
  "not a slot: write one like 'sidebar' or 'article/footer', or a prefix that ends in '*'",
);
/** What `ctx.fetch` may reach. */
export const url = right(
  'network.fetch',
  () => true,
  "not a scope of the network: write an origin, or a prefix of URLs like 'https://api.example.com/v1/*', perhaps after methods, like 'GET,HEAD '",
);
const named = right(
  'storage.read',
  () => true,
  "not a scope: write a text, or a prefix that ends in '*'",
);
/** What a middleware surrounds. */
export const target = checked(
  512,
  (value) => /^(command|event):/.test(value) && isPattern(value.slice(value.indexOf(':') + 1)),
  "not a target: write 'command:<id>' or 'event:<topic>', the end may be '*'",
);
/** A number of bytes. */
export const size = v.pipe(
  v.union([v.string(), v.number()]),
  v.check(
    (value) => parseSize(value) !== undefined,
    "not a size: write bytes or a text like '5MB'",
  ),
);
/** A path inside the plugin's folder, without a leading `./`. */
export const relativePath = v.pipe(
  checked(
    512,
    isRelativePath,
    "not a path inside the plugin's folder: no '..', no drive, no leading '/'",
  ),
  v.transform((path) => path.replace(/^\.\//, '')),
);
/** Scopes of a permission over ids. */
export const scopes = list(scope, 256);
/** Scopes of a permission over names. */
export const texts = list(named, 256);
/** Keys of the storage: all, none or some. */
export const keys = v.union([v.boolean(), texts], 'Expected boolean or a list of keys');
/** An event on which the plugin starts. */
export const activation = checked(
  512,
  isActivation,
  "not an activation event: write 'startup', 'command:<id>', 'event:<topic>', 'hook:<id>' or 'need:<contract>'",
);
/** A JSON object that is checked elsewhere. */
export const json = v.record(v.string(), v.unknown());

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
