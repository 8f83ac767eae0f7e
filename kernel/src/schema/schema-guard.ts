/**
 * Limits a plugin's JSON Schema before the host runs it. Schemas are untrusted, and a small one can
 * make any validator run for ever. Everything here takes time that is linear in the schema's size.
 */
import { createError, type Manifest } from '@plinth/sdk/contract';
import { senselessKeyword } from './keyword-values.js';
import { LinearPattern, PatternProblem, PatternRoom } from './pattern.js';

/** A part of a schema. */
export type SchemaNode = Readonly<Record<string, unknown>>;
/** A JSON Schema that {@link guardSchema} has checked. */
export type JsonSchema = boolean | SchemaNode;

const MAX_DEPTH = 32;
const MAX_NODES = 2_000;
const MAX_ENUM = 1_000;
const MAX_SHOWN = 200;
/**
 * The most paths through the references of a schema. Each reference may double the work for a
 * value.
 */
const MAX_PATHS = 10_000;
const TYPES: ReadonlySet<unknown> = new Set([
  'null',
  'boolean',
  'object',
  'array',
  'number',
  'integer',
  'string',
]);
/** Keywords that give a schema its own address. A single schema needs none. */
const ADDRESSES = [
  '$id',
  'id',
  '$anchor',
  '$dynamicAnchor',
  '$dynamicRef',
  '$recursiveRef',
  '$recursiveAnchor',
];
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const MAPS = [
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependencies',
];
const SINGLE = [
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'contains',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
  'additionalItems',
];
/** Keywords that apply to the value itself, not to a part of it. */
const SAME_VALUE: ReadonlySet<string> = new Set([
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  '$ref',
  'dependentSchemas',
  'dependencies',
]);

/**
 * Checks a schema before it is used. Returns its compiled patterns.
 *
 * @param where its place in the manifest, for messages: `config`.
 * @param room the budget for its patterns, shared with others.
 * @throws PluginManifestError `manifest/invalid` that says what isn't allowed, and where.
 */
export function guardSchema(
  schema: unknown,
  plugin: string,
  where: string,
  room: PatternRoom = new PatternRoom(),
): ReadonlyMap<string, LinearPattern> {
  const guard = new SchemaGuard(schema, plugin, where, room);
  guard.walk(schema, '', 0, new Set());
  return guard.patterns;
}

/** Walks through one schema, each part once. */
class SchemaGuard {
  readonly patterns = new Map<string, LinearPattern>();
  readonly #schema: unknown;
  readonly #plugin: string;
  readonly #where: string;
  readonly #room: PatternRoom;
  readonly #paths = new Map<SchemaNode, number>();
  readonly #begun = new Set<SchemaNode>();
  #nodes = 0;

  constructor(schema: unknown, plugin: string, where: string, room: PatternRoom) {
    this.#schema = schema;
    this.#plugin = plugin;
    this.#where = where;
    this.#room = room;
  }

  /** Counts how many schemas one value is checked against from here. */
  walk(value: unknown, path: string, depth: number, above: ReadonlySet<SchemaNode>): number {
    if (typeof value === 'boolean') return 1;
    if (Object.prototype.toString.call(value) !== '[object Object]')
      return this.#refuse(path, 'is not a schema: an object or a boolean');
    const node = value as SchemaNode;
    if (above.has(node))
      return this.#refuse(path, 'refers to itself without a step into the value');
    const known = this.#paths.get(node);
    if (known !== undefined) return known;
    // This node is already being walked. It then applies to parts of the value, which are finite.
    if (this.#begun.has(node)) return 1;
    this.#begun.add(node);
    if (depth > MAX_DEPTH) return this.#refuse(path, `is nested deeper than ${MAX_DEPTH}`);
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) return this.#refuse(path, `has more than ${MAX_NODES} parts`);
    this.#checkKeywords(node, path);
    const same = new Set(above).add(node);
    let ways = 1;
    for (const [keyword, child, at] of this.#childrenOf(node, path)) {
      const below = this.walk(child, at, depth + 1, SAME_VALUE.has(keyword) ? same : new Set());
      if (SAME_VALUE.has(keyword)) ways += below;
    }
    if (ways > MAX_PATHS) this.#refuse(path, `leads to more than ${MAX_PATHS} checks of one value`);
    this.#paths.set(node, ways);
    return ways;
  }

  /** The schemas inside of a schema, each with its keyword and its path. */
  *#childrenOf(node: SchemaNode, path: string): Iterable<readonly [string, unknown, string]> {
    for (const keyword of LISTS) {
      if (node[keyword] === undefined) continue;
      if (!Array.isArray(node[keyword]))
        this.#refuse(`${path}.${keyword}`, 'is not a list of schemas');
      for (const [index, child] of (node[keyword] as unknown[]).entries())
        yield [keyword, child, `${path}.${keyword}.${index}`];
    }
    for (const keyword of MAPS) {
      for (const [name, child] of Object.entries(this.#asMap(node, keyword, path))) {
        // The properties that another property requires, in the spelling before 2019-09.
        if (keyword !== 'dependencies' || !Array.isArray(child))
          yield [keyword, child, `${path}.${keyword}.${name}`];
      }
    }
    for (const keyword of SINGLE)
      if (node[keyword] !== undefined) yield [keyword, node[keyword], `${path}.${keyword}`];
    if (node.items !== undefined)
      for (const child of [node.items].flat()) yield ['items', child, `${path}.items`];
    if (node.$ref !== undefined) yield ['$ref', this.#follow(node.$ref, path), `${path}.$ref`];
  }

  #asMap(node: SchemaNode, keyword: string, path: string): SchemaNode {
    const map = node[keyword];
    if (map === undefined) return {};
    if (map === null || typeof map !== 'object' || Array.isArray(map))
      return this.#refuse(`${path}.${keyword}`, 'is not a set of schemas by name');
    return map as SchemaNode;
  }

  #checkKeywords(node: SchemaNode, path: string): void {
    for (const key of Object.keys(node))
      if (key.startsWith('__')) this.#refuse(`${path}.${key}`, 'is not a keyword');
    for (const key of ADDRESSES)
      if (node[key] !== undefined)
        this.#refuse(
          `${path}.${key}`,
          'is not supported: a schema is one document, refer to its parts by #/…',
        );
    const senseless = senselessKeyword(node);
    if (senseless !== undefined) this.#refuse(`${path}.${senseless[0]}`, senseless[1]);
    const types = [node.type ?? 'object'].flat();
    if (types.length === 0 || !types.every((type) => TYPES.has(type)))
      this.#refuse(`${path}.type`, `is not a type: write some of ${[...TYPES].join(', ')}`);
    if (node.enum !== undefined && !(Array.isArray(node.enum) && node.enum.length <= MAX_ENUM))
      this.#refuse(`${path}.enum`, `is not a list of at most ${MAX_ENUM} values`);
    if (node.required !== undefined && !areTexts(node.required))
      this.#refuse(`${path}.required`, 'is not a list of texts');
    for (const keyword of ['dependentRequired', 'dependencies']) {
      for (const [name, names] of Object.entries(this.#asMap(node, keyword, path))) {
        if (!areTexts(names) && (keyword === 'dependentRequired' || Array.isArray(names)))
          this.#refuse(`${path}.${keyword}.${name}`, 'is not a list of texts');
      }
    }
    if (node.format !== undefined && typeof node.format !== 'string')
      this.#refuse(`${path}.format`, 'is not a text');
    if (node.pattern !== undefined) this.#addPattern(node.pattern, `${path}.pattern`);
    for (const pattern of Object.keys(this.#asMap(node, 'patternProperties', path)))
      this.#addPattern(pattern, `${path}.patternProperties`);
  }

  #addPattern(pattern: unknown, path: string): void {
    if (typeof pattern !== 'string') return this.#refuse(path, 'is not a text');
    if (this.patterns.has(pattern)) return;
    try {
      this.patterns.set(pattern, new LinearPattern(pattern, this.#room));
    } catch (error) {
      if (!(error instanceof PatternProblem)) throw error;
      this.#refuse(path, error.message);
    }
  }

  #follow(ref: unknown, path: string): unknown {
    if (typeof ref !== 'string' || !/^#(?:\/|$)/.test(ref))
      return this.#refuse(
        `${path}.$ref`,
        'refers to something else than a part of this schema (#/…)',
      );
    const part = partOf(this.#schema, ref);
    return part === undefined
      ? this.#refuse(`${path}.$ref`, `refers to nothing: ${ref.slice(0, 80)}`)
      : part;
  }

  #refuse(path: string, problem: string): never {
    const at = `${this.#where}${path.length > MAX_SHOWN ? `${path.slice(0, MAX_SHOWN)}…` : path}`;
    throw createError(
      'manifest/invalid',
      `the schema of ${this.#plugin} cannot be used: ${at}: ${problem}`,
      { plugin: this.#plugin, details: { problems: [{ path: at, message: problem }] } },
    );
  }
}

const sound = new WeakSet<Manifest>();

/**
 * Checks every schema of a manifest, before its plugin gets a guest.
 *
 * @throws PluginManifestError `manifest/invalid` as {@link guardSchema} does.
 */
export function guardSchemas(manifest: Manifest): void {
  if (sound.has(manifest)) return;
  const { id, config, contributes } = manifest;
  const room = new PatternRoom();
  if (config !== undefined) guardSchema(config, id, 'config', room);
  for (const [index, command] of (contributes.commands ?? []).entries()) {
    for (const side of ['input', 'output'] as const) {
      if (command[side] !== undefined)
        guardSchema(command[side], id, `contributes.commands.${index}.${side}`, room);
    }
  }
  sound.add(manifest);
}

/** The part of a schema that a reference (`#`, `#/…`) points to. Undefined when there is none. */
export function partOf(schema: unknown, reference: string): unknown {
  let at: unknown = schema;
  for (const part of reference.split('/').slice(1)) {
    const key = decode(part).replaceAll('~1', '/').replaceAll('~0', '~');
    at =
      at !== null && typeof at === 'object' && Object.hasOwn(at, key)
        ? (at as SchemaNode)[key]
        : undefined;
  }
  return at;
}

const areTexts = (list: unknown) =>
  Array.isArray(list) && list.every((key) => typeof key === 'string');

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
