/** Reads the functions of a source file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync, Visitor } from 'rolldown/utils';
import { root } from './imports.ts';

/** One function of a source file, of any kind. */
export interface FunctionLines {
  /** As it is declared or assigned; `function` for one that has no name. */
  readonly name: string;
  /** Number of its first line. */
  readonly line: number;
  /** From the line of its name or parameters to the line where its body ends. */
  readonly lines: number;
}

interface Placed {
  readonly start: number;
  readonly end: number;
}

/** Every function of a file, those inside of others included. */
export function functionsOf(file: string): readonly FunctionLines[] {
  const text = readFileSync(join(root, file), 'utf8');
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length;
  const names = new Map<object, string>();
  const found: FunctionLines[] = [];
  const name = (value: object | null, key: Placed) => {
    if (value !== null) names.set(value, text.slice(key.start, key.end));
  };
  const add = (node: Placed & { readonly id?: { readonly name: string } | null }) => {
    const line = lineOf(node.start);
    found.push({
      name: node.id?.name ?? names.get(node) ?? 'function',
      line,
      lines: lineOf(node.end) - line + 1,
    });
  };
  new Visitor({
    VariableDeclarator: ({ id, init }) => name(init, id),
    Property: ({ key, value }) => name(value, key),
    PropertyDefinition: ({ key, value }) => name(value, key),
    MethodDefinition: ({ key, value }) => name(value, key),
    FunctionDeclaration: add,
    FunctionExpression: add,
    ArrowFunctionExpression: add,
  }).visit(parseSync(file, text).program);
  return found;
}
