/**
 * What a plugin's JSON Schema may be before the host runs it: schemas are text from strangers, and a small one can make any
 * validator work for ever. Everything here ends in time that is linear in the schema's size.
 */
import { createError } from '@plinth/sdk/contract';

const MAX_DEPTH = 32;
const MAX_NODES = 2_000;
const MAX_ENUM = 1_000;
const MAX_PATTERN = 256;
/** Ways through the references of a schema: each doubles what a value is checked against. */
const MAX_PATHS = 10_000;
const TYPES: ReadonlySet<unknown> = new Set(['null', 'boolean', 'object', 'array', 'number', 'integer', 'string']);
/** Names that give a schema an address of its own: one schema needs none. */
const ADDRESSES = ['$id', 'id', '$anchor', '$dynamicAnchor', '$dynamicRef', '$recursiveRef', '$recursiveAnchor'];
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const MAPS = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'];
const SINGLE = ['additionalProperties', 'unevaluatedProperties', 'unevaluatedItems', 'contains', 'propertyNames', 'not', 'if', 'then', 'else', 'additionalItems'];
/** Keywords that apply to the value itself, not to a part of it. */
const SAME_VALUE: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', '$ref', 'dependentSchemas']);

type Node = Readonly<Record<string, unknown>>;

/** @throws PluginManifestError `manifest/invalid` that says what isn't allowed, and where. */
export function guardSchema(schema: unknown, plugin: string): void {
  let nodes = 0;
  const refuse = (path: string, problem: string) => {
    const message = `config${path}: ${problem}`;
    throw createError('manifest/invalid', `the config schema of ${plugin} cannot be used: ${message}`, {
      plugin,
      details: { problems: [{ path: `config${path}`, message: problem }] },
    });
  };
  const paths = new Map<Node, number>();
  const begun = new Set<Node>();

  /** How many schemas one value is checked against from here. */
  const walk = (value: unknown, path: string, depth: number, above: ReadonlySet<Node>): number => {
    if (typeof value === 'boolean') return 1;
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return refuse(path, 'is not a schema: an object or a boolean');
    const node = value as Node;
    if (above.has(node)) return refuse(path, 'refers to itself without a step into the value');
    const known = paths.get(node);
    if (known !== undefined) return known;
    // It is being walked already: a schema of parts of the value, which end.
    if (begun.has(node)) return 1;
    begun.add(node);
    if (depth > MAX_DEPTH) return refuse(path, `is nested deeper than ${MAX_DEPTH}`);
    nodes += 1;
    if (nodes > MAX_NODES) return refuse(path, `has more than ${MAX_NODES} parts`);
    checkKeywords(node, path);
    const same = new Set(above).add(node);
    let ways = 1;
    const visit = (keyword: string, child: unknown, at: string) => {
      const below = walk(child, at, depth + 1, SAME_VALUE.has(keyword) ? same : new Set());
      if (SAME_VALUE.has(keyword)) ways += below;
    };
    for (const keyword of LISTS) {
      if (node[keyword] === undefined) continue;
      if (!Array.isArray(node[keyword])) refuse(`${path}.${keyword}`, 'is not a list of schemas');
      for (const [index, child] of (node[keyword] as unknown[]).entries()) visit(keyword, child, `${path}.${keyword}.${index}`);
    }
    for (const keyword of MAPS) for (const [name, child] of Object.entries(asMap(node, keyword, path))) visit(keyword, child, `${path}.${keyword}.${name}`);
    for (const keyword of SINGLE) if (node[keyword] !== undefined) visit(keyword, node[keyword], `${path}.${keyword}`);
    if (node.items !== undefined) for (const child of [node.items].flat()) visit('items', child, `${path}.items`);
    if (node.$ref !== undefined) visit('$ref', follow(node.$ref, path), `${path}.$ref`);
    if (ways > MAX_PATHS) refuse(path, `leads to more than ${MAX_PATHS} checks of one value`);
    paths.set(node, ways);
    return ways;
  };

  const asMap = (node: Node, keyword: string, path: string): Node => {
    const map = node[keyword];
    if (map === undefined) return {};
    if (map === null || typeof map !== 'object' || Array.isArray(map)) return refuse(`${path}.${keyword}`, 'is not a set of schemas by name');
    return map as Node;
  };

  const checkKeywords = (node: Node, path: string): void => {
    for (const key of Object.keys(node)) if (key.startsWith('__')) refuse(`${path}.${key}`, 'is not a keyword');
    for (const key of ADDRESSES) if (node[key] !== undefined) refuse(`${path}.${key}`, 'is not supported: a config schema is one document, refer to its parts by #/…');
    if (node.type !== undefined && ![node.type].flat().every((type) => TYPES.has(type))) refuse(`${path}.type`, `is not a type: write some of ${[...TYPES].join(', ')}`);
    if (node.enum !== undefined && !(Array.isArray(node.enum) && node.enum.length <= MAX_ENUM)) refuse(`${path}.enum`, `is not a list of at most ${MAX_ENUM} values`);
    if (node.required !== undefined && !(Array.isArray(node.required) && node.required.every((key) => typeof key === 'string')))
      refuse(`${path}.required`, 'is not a list of texts');
    const patterns = [...(node.pattern === undefined ? [] : [node.pattern]), ...Object.keys(asMap(node, 'patternProperties', path))];
    for (const pattern of patterns) {
      const problem = patternProblem(pattern);
      if (problem !== undefined) refuse(`${path}.pattern`, problem);
    }
  };

  const follow = (ref: unknown, path: string): unknown => {
    if (ref === '#') return schema;
    if (typeof ref !== 'string' || !ref.startsWith('#/')) return refuse(`${path}.$ref`, 'refers to something else than a part of this schema (#/…)');
    let at: unknown = schema;
    for (const part of ref.slice(2).split('/')) {
      const key = decode(part).replaceAll('~1', '/').replaceAll('~0', '~');
      at = at !== null && typeof at === 'object' && Object.hasOwn(at, key) ? (at as Node)[key] : undefined;
    }
    return at === undefined ? refuse(`${path}.$ref`, `refers to nothing: ${ref.slice(0, 80)}`) : at;
  };

  walk(schema, '', 0, new Set());
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** No test finds every pattern that takes for ever; a repeated group that itself repeats or chooses is what nearly all of them have. */
function patternProblem(pattern: unknown): string | undefined {
  if (typeof pattern !== 'string' || pattern.length > MAX_PATTERN) return `is not a pattern of at most ${MAX_PATTERN} characters`;
  try {
    new RegExp(pattern, 'u');
  } catch {
    return 'is not a regular expression';
  }
  const plain = pattern.replace(/\\./gu, 'x').replace(/\[[^\]]*\]/gu, 'x');
  for (let text = plain, before = ''; text !== before; ) {
    if (/\([^()]*[*+{|][^()]*\)[*+{]/u.test(text)) return 'repeats a group that itself repeats or chooses: it could take for ever';
    before = text;
    // A group without such a thing is as good as a letter.
    text = text.replace(/\(([^()]*)\)/u, (_, inside: string) => (/[*+{|]/.test(inside) ? 'x+' : 'x'));
  }
  return undefined;
}
