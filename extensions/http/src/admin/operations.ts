/** All operations of the admin API, and which of them a request is for. */
import { refuse } from '../problem.js';
import { adminOpenApi } from './admin-openapi.js';
import { DATA_OPERATIONS } from './data-operations.js';
import { KERNEL_OPERATIONS } from './kernel-operations.js';
import type { Operation } from './operation.js';
import { PLUGIN_OPERATIONS } from './plugin-operations.js';
import { READINGS } from './read-operations.js';

/** The table. */
export const OPERATIONS: readonly Operation[] = [
  ...READINGS,
  ...PLUGIN_OPERATIONS,
  ...DATA_OPERATIONS,
  ...KERNEL_OPERATIONS,
  {
    method: 'GET',
    path: 'openapi.json',
    name: 'openapi',
    role: 'viewer',
    summary: 'This description',
    act: () => adminOpenApi(OPERATIONS),
  },
];

const PREFIX = '/api/v1/';
/** What parameters of paths are. */
const FORMS: Readonly<Record<string, RegExp>> = {
  id: /^[a-z][a-z0-9.-]{0,127}$/,
  command: /^[a-z][a-z0-9.-]{0,127}:[a-zA-Z][a-zA-Z0-9.-]{0,127}(@[a-z][a-z0-9.-]{0,127})?$/,
  tenant: /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/,
  secret: /^[^\p{C}/\\]{1,256}$/u,
};

interface Known {
  readonly operation: Operation;
  readonly segments: readonly string[];
}

const KNOWN: readonly Known[] = OPERATIONS.map((operation) => ({
  operation,
  segments: operation.path.split('/'),
}));

/** The operation of a request, and the parameters of its path. @throws Refusal 404 or 405. */
export function operationOf(
  method: string,
  pathname: string,
): { readonly operation: Operation; readonly params: Readonly<Record<string, string>> } {
  const segments = decoded(pathname.slice(PREFIX.length));
  const there = KNOWN.filter((one) => fits(one.segments, segments));
  if (there.length === 0) throw unknown();
  const found = there.find(({ operation }) => operation.method === method);
  if (found === undefined)
    throw refuse(405, 'http/method', 'This method is not answered here.', {
      allow: [...new Set(there.map(({ operation }) => operation.method))].join(', '),
    });
  const params = Object.fromEntries(
    found.segments.flatMap((part, at) =>
      part.startsWith(':') ? [[part.slice(1), segments[at] as string]] : [],
    ),
  );
  return { operation: found.operation, params };
}

function decoded(path: string): readonly string[] {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch {
    throw unknown();
  }
}

const fits = (pattern: readonly string[], segments: readonly string[]): boolean =>
  pattern.length === segments.length &&
  pattern.every((part, at) => {
    const given = segments[at] as string;
    return part.startsWith(':') ? FORMS[part.slice(1)]?.test(given) === true : part === given;
  });

const unknown = () => refuse(404, 'http/not-found', 'There is nothing at this address.');
