/**
 * Settings from environment variables. Variable names have neither case nor punctuation, so a name
 * must match exactly one plugin. Values are texts, so the plugin's schema decides their types.
 */
import { didYouMean, lossyNumbers, type Manifest } from '@plinth/sdk/contract';
import { freeze, type Settings } from './settings.js';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The prefix of a plugin's variables. */
const environmentPrefix = (id: string): string =>
  `PLINTH_${id.toUpperCase().replace(/[.-]/g, '_')}__`;

/**
 * The exact prefix, for ids whose short prefix is ambiguous. A hyphen of the id is written as three
 * underscores.
 */
const exactPrefix = (id: string): string =>
  `PLINTH_${id.toUpperCase().replaceAll('.', '_').replaceAll('-', '___')}__`;

/** The layer of the environment. It is loaded for kernels that are given variables. */
export class EnvironmentLayer {
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** What is set for a plugin. @param ids the ids of all installed plugins. */
  of(id: string, manifest: Manifest | undefined, ids: () => readonly string[]): Settings {
    return environmentOf(this.#env, id, manifest, ids);
  }

  /** Problems of variable names, one line each. Valid once all plugins are known. */
  problems(ids: readonly string[]): readonly string[] {
    return environmentProblems(this.#env, ids);
  }

  /** What the variables of a plugin begin with. */
  prefixOf(id: string): string {
    return environmentPrefix(id);
  }
}

/**
 * `PLINTH_COM_EXAMPLE_NOTES__MAX_SIZE=5` → `{ maxSize: 5 }`.
 *
 * @param ids the ids of all installed plugins.
 */
function environmentOf(
  env: Environment,
  id: string,
  manifest: Manifest | undefined,
  ids: () => readonly string[],
): Settings {
  const root = manifest?.config as Schema | undefined;
  const properties = root?.properties ?? {};
  const known = Object.keys(properties);
  const settings: Record<string, unknown> = {};
  const [short, exact] = [environmentPrefix(id), exactPrefix(id)];
  for (const [name, text] of Object.entries(env)) {
    const prefix = name.startsWith(exact) ? exact : name.startsWith(short) ? short : undefined;
    if (prefix === undefined || text === undefined) continue;
    const words = name.slice(prefix.length).toLowerCase();
    // A third underscore belongs to the id of another plugin.
    if (words === '' || words.startsWith('_') || (prefix !== exact && isShared(id, ids())))
      continue;
    const plain = words.replaceAll('_', '');
    const key =
      known.find(
        (candidate) => candidate.toLowerCase() === plain || candidate.toLowerCase() === words,
      ) ?? words.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    if (key !== '__proto__') settings[key] = readAs(text, factsOf(properties[key], root, 0));
  }
  return freeze(settings);
}

/**
 * Whether another plugin has the same short prefix as an id with a hyphen. The prefix then belongs
 * to the plugin that has no other spelling.
 */
const isShared = (id: string, ids: readonly string[]): boolean =>
  ids.some((other) => other !== id && environmentPrefix(other) === environmentPrefix(id));

function environmentProblems(env: Environment, ids: readonly string[]): readonly string[] {
  const problems: string[] = [];
  for (const name of Object.keys(env)) {
    const [, prefix] = /^(PLINTH_.+?__)(?!_)/.exec(name) ?? [];
    if (
      prefix === undefined ||
      ids.some((id) => name.startsWith(exactPrefix(id)) && !name.startsWith(`${exactPrefix(id)}_`))
    )
      continue;
    const sharing = ids.filter((id) => name.startsWith(environmentPrefix(id)));
    if (sharing.length === 0) {
      problems.push(
        `the environment variable ${name} is for no plugin that is there${didYouMean(prefix, ids.map(environmentPrefix), [])}`,
      );
    } else if (sharing.length > 1) {
      const cure = sharing.map((id) => `${exactPrefix(id)}… for ${id}`).join(', ');
      problems.push(
        `the environment variable ${name} could be for several plugins and is used by none: write ${cure}`,
      );
    }
  }
  return problems;
}

interface Schema {
  readonly $ref?: unknown;
  readonly type?: unknown;
  readonly enum?: unknown;
  readonly const?: unknown;
  readonly anyOf?: unknown;
  readonly oneOf?: unknown;
  readonly allOf?: unknown;
  readonly properties?: Readonly<Record<string, Schema | undefined>>;
}

/** The values that a schema allows, as far as it says so. */
interface Facts {
  /** Types; undefined for all. */
  readonly types: ReadonlySet<string> | undefined;
  /** The allowed values. Undefined for all values of the types. */
  readonly values: readonly unknown[] | undefined;
}

const ANYTHING: Facts = { types: undefined, values: undefined };
/** The most references that are followed in a row. */
const MAX_HOPS = 16;

function factsOf(schema: unknown, root: Schema | undefined, hops: number): Facts {
  if (schema === null || typeof schema !== 'object' || hops > MAX_HOPS) return ANYTHING;
  const { $ref, type, enum: values, const: only, anyOf, oneOf, allOf } = schema as Schema;
  const parts: Facts[] = [];
  if (typeof type === 'string' || Array.isArray(type))
    parts.push({ types: new Set([type].flat() as string[]), values: undefined });
  const given = Array.isArray(values) ? values : only === undefined ? undefined : [only];
  if (given !== undefined) parts.push({ types: new Set(given.map(typeOf)), values: given });
  if (typeof $ref === 'string') parts.push(factsOf(partOf(root, $ref), root, hops + 1));
  for (const one of Array.isArray(allOf) ? allOf : []) parts.push(factsOf(one, root, hops + 1));
  for (const list of [anyOf, oneOf])
    if (Array.isArray(list)) parts.push(eitherOf(list.map((one) => factsOf(one, root, hops + 1))));
  return parts.reduce(bothOf, ANYTHING);
}

function bothOf(a: Facts, b: Facts): Facts {
  const types =
    a.types === undefined
      ? b.types
      : b.types === undefined
        ? a.types
        : new Set([...a.types].filter((type) => b.types?.has(type)));
  return { types, values: a.values ?? b.values };
}

function eitherOf(all: readonly Facts[]): Facts {
  const types = all.every((one) => one.types !== undefined)
    ? new Set(all.flatMap((one) => [...(one.types as ReadonlySet<string>)]))
    : undefined;
  return {
    types,
    values: all.every((one) => one.values !== undefined)
      ? all.flatMap((one) => one.values as readonly unknown[])
      : undefined,
  };
}

function partOf(root: unknown, ref: string): unknown {
  if (!ref.startsWith('#')) return undefined;
  let at = root;
  for (const part of ref.slice(1).split('/').filter(Boolean)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    at =
      at !== null && typeof at === 'object' && Object.hasOwn(at, key)
        ? (at as Readonly<Record<string, unknown>>)[key]
        : undefined;
  }
  return at;
}

const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

/**
 * A text stays a text where the schema allows one. Exceptions are `null`, `true`, `false`, a list
 * and an object, which are unlikely as texts.
 */
function readAs(text: string, { types, values }: Facts): unknown {
  const read = parsed(text);
  if (values !== undefined) {
    if (values.includes(text)) return text;
    const same = JSON.stringify(read);
    return values.some((value) => JSON.stringify(value) === same) || !types?.has('string')
      ? read
      : text;
  }
  if (types === undefined || !types.has('string')) return read;
  const type = typeOf(read);
  return type !== 'number' && type !== 'string' && types.has(type) ? read : text;
}

/** Parses JSON, unless a number would lose precision. */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return lossyNumbers(text).length > 0 ? text : value;
  } catch {
    return text;
  }
}
