/** Finds globals that not every runtime has, and says what to use in their place. */
import type { Finding } from './finding.js';
import { isNode, type Node, type SourceFile, walk } from './parse-source.js';

const STORAGE = 'ctx.storage';
const MESSAGES = 'ctx.events and ctx.commands';
const IMPORTS = 'import, which the bundler resolves';

/** Globals that no plugin has, and what to use. */
const MISSING: Readonly<Record<string, string>> = {
  fetch: 'ctx.fetch',
  Request: 'ctx.fetch',
  Response: 'ctx.fetch',
  FormData: 'ctx.fetch with a text as its body',
  XMLHttpRequest: 'ctx.fetch',
  WebSocket: 'ctx.fetch',
  EventSource: 'ctx.fetch',
  process: 'ctx.config and ctx.env',
  Deno: 'ctx.config and ctx.env',
  Bun: 'ctx.config and ctx.env',
  Buffer: 'Uint8Array',
  document: 'a contract with the application',
  window: 'globalThis',
  navigator: 'a contract with the application',
  location: 'ctx.config',
  localStorage: STORAGE,
  sessionStorage: STORAGE,
  indexedDB: STORAGE,
  caches: STORAGE,
  require: IMPORTS,
  module: 'export',
  exports: 'export',
  importScripts: IMPORTS,
  __dirname: 'ctx.fs',
  __filename: 'ctx.fs',
  Worker: MESSAGES,
  SharedWorker: MESSAGES,
  SharedArrayBuffer: 'transfer() of @plinth/sdk',
  MessageChannel: MESSAGES,
  BroadcastChannel: MESSAGES,
  postMessage: MESSAGES,
  setImmediate: 'setTimeout',
  reportError: 'throw',
  URLPattern: 'URL',
};

/** Findings about globals. A name that the file declares anywhere is taken for its own. */
export function checkGlobals(source: SourceFile): readonly Finding[] {
  const own = declaredIn(source.tree);
  const findings: Finding[] = [];
  walk(source.tree, (node, parent, key) => {
    if (node.type !== 'Identifier' || parent === undefined || !isRead(parent, key, node)) return;
    const name = node.name as string;
    const instead = Object.hasOwn(MISSING, name) ? MISSING[name] : undefined;
    if (instead === undefined || own.has(name) || isProbed(parent)) return;
    findings.push({
      rule: 'global/missing',
      severity: 'error',
      message: `'${name}' is not there in a plugin`,
      file: source.file,
      place: source.placeOf(node),
      cure: `Use ${instead}.`,
    });
  });
  return findings;
}

/** `typeof name` asks whether it is there. */
const isProbed = (parent: Node) =>
  parent.type === 'UnaryExpression' && parent.operator === 'typeof';

/** Whether an identifier is read as a variable, and isn't the name of a property or a label. */
function isRead(parent: Node, key: string, node: Node): boolean {
  switch (parent.type) {
    case 'MemberExpression':
      return key === 'object' || parent.computed === true;
    case 'Property':
      // `{ fetch }` of an expression reads it; of a pattern it declares it.
      return key === 'value' || (parent.shorthand === true && parent.value === node);
    case 'MethodDefinition':
    case 'PropertyDefinition':
    case 'AccessorProperty':
      return key === 'value' || parent.computed === true;
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'ImportSpecifier':
    case 'ExportSpecifier':
    case 'ImportDefaultSpecifier':
    case 'ImportNamespaceSpecifier':
    case 'MetaProperty':
      return false;
    default:
      return !parent.type.startsWith('TS') || /Expression$|Assertion$/.test(parent.type);
  }
}

/** Every name that a file declares, in whatever scope. */
function declaredIn(tree: Node): ReadonlySet<string> {
  const names = new Set<string>();
  const add = (pattern: unknown): void => {
    if (!isNode(pattern)) return;
    if (pattern.type === 'Identifier') names.add(pattern.name as string);
    else if (pattern.type === 'ObjectPattern')
      for (const one of pattern.properties as readonly Node[]) add(one.value ?? one.argument);
    else if (pattern.type === 'ArrayPattern')
      for (const one of pattern.elements as readonly unknown[]) add(one);
    else add(pattern.left ?? pattern.argument ?? pattern.parameter);
  };
  walk(tree, (node) => {
    if (Array.isArray(node.params)) for (const one of node.params) add(one);
    if (/^(Variable|Import.*Specifier|Function|Class|CatchClause)/.test(node.type)) {
      add(node.id);
      add(node.local);
      add(node.param);
    }
  });
  return names;
}
