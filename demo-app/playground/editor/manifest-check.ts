/** Reads `plugin.json` as the kernel does, and finds where in the text each problem is. */
import { jsonLanguage } from '@codemirror/lang-json';
import type { SyntaxNode } from '@lezer/common';
import type { Manifest } from '@plinth/sdk';
import { parseManifest } from '@plinth/sdk/contract';
import { lineAt, type Problem, Problems } from './problem.ts';

/** @throws Problems. */
export function readManifest(text: string): Manifest {
  try {
    return parseManifest(text);
  } catch (error) {
    throw new Problems(manifestProblems(error, text));
  }
}

/** The same as a list, for a text that is being written. */
export function problemsOfManifest(text: string): readonly Problem[] {
  try {
    readManifest(text);
    return [];
  } catch (error) {
    if (error instanceof Problems) return error.list;
    throw error;
  }
}

/** The problems that an error of the kernel names in a manifest. */
export function manifestProblems(error: unknown, text: string): readonly Problem[] {
  const { message, code, details } = error as {
    readonly message: string;
    readonly code?: string;
    readonly details?: { readonly problems?: readonly { path: string; message: string }[] };
  };
  const base = { file: 'plugin.json', severity: 'error' } as const;
  const problems = details?.problems;
  if (problems === undefined || problems.length === 0) {
    const broken = code === 'manifest/not-json' ? firstError(text) : undefined;
    return [{ ...base, message, line: broken === undefined ? undefined : lineAt(text, broken) }];
  }
  const places = new Places(text);
  return problems.map(({ path, message: what }) => ({
    ...base,
    message: path === '' ? what : `${path}: ${what}`,
    line: lineAt(text, places.of(path)),
  }));
}

/** Finds values of a text, which is parsed once: it may be long, and have many problems. */
export class Places {
  readonly #text: string;
  readonly #root: SyntaxNode | null;

  constructor(text: string) {
    this.#text = text;
    this.#root = jsonLanguage.parser.parse(text).topNode.firstChild;
  }

  /** The offset of the value at a path, or of the nearest one around it. */
  of(path: string): number {
    return placeOf(this.#text, this.#root, path);
  }
}

function placeOf(text: string, root: SyntaxNode | null, path: string): number {
  let node = root;
  for (const part of path === '' ? [] : path.split('.')) {
    const next = node === null ? undefined : memberOf(text, node, part);
    if (next === undefined) break;
    node = next;
  }
  return node?.from ?? 0;
}

function memberOf(text: string, node: SyntaxNode, part: string): SyntaxNode | undefined {
  if (node.name === 'Array') {
    const items = childrenOf(node).filter(({ name }) => /^\w/.test(name));
    return items[Number(part)];
  }
  const property = node.getChildren('Property').find((one) => {
    const key = one.getChild('PropertyName');
    return key !== null && keyIn(text.slice(key.from, key.to)) === part;
  });
  return property?.lastChild ?? undefined;
}

function keyIn(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return undefined;
  }
}

function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

function firstError(text: string): number | undefined {
  let found: number | undefined;
  jsonLanguage.parser.parse(text).iterate({
    enter: ({ type, from }) => {
      if (type.isError) found ??= from;
    },
  });
  return found;
}
