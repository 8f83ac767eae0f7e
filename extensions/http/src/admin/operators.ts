/** Who makes a request of the admin API, and whether that is enough. */
import { createError } from '@plinth/sdk/contract';
import { refuse } from '../problem.js';
import type { AdminAction, Operator, Role } from './roles.js';

/** How operators are known. */
export interface OperatorOptions {
  /**
   * Who makes this request: an operator with a role; or a name, for a request that the application
   * has allowed itself; or undefined for one that may not be made. The audit log keeps the name.
   */
  authorize?(
    request: Request,
    action: AdminAction,
  ): string | Operator | undefined | Promise<string | Operator | undefined>;
  /** Operators by their tokens, which clients send as `authorization: Bearer <token>`. */
  readonly tokens?: Readonly<Record<string, Operator>>;
}

/** From the least to the most. */
const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];
/** A token of a table has to be hard to guess, and fits in a header. */
const TOKEN = /^[A-Za-z0-9._~-]{16,512}$/;
/** Characters of an operator's name in the audit log. */
const MOST_NAME = 256;

/** Knows the operators of an admin API. */
export class Operators {
  readonly #authorize: OperatorOptions['authorize'];
  /** By the digest of a token, so that a comparison tells nothing about another token. */
  readonly #known: Promise<ReadonlyMap<string, Operator>> | undefined;

  /** @throws PluginConfigurationError `kernel/invalid-option`. */
  constructor(options: OperatorOptions) {
    const { authorize, tokens } = options ?? {};
    if (authorize !== undefined ? typeof authorize !== 'function' : tokens === undefined)
      throw wrong(
        'authorize',
        'give `authorize(request, action)`, which answers the operator, or `tokens`',
      );
    if (tokens !== undefined && Object.prototype.toString.call(tokens) !== '[object Object]')
      throw wrong('tokens', '`tokens` is an object of operators by their tokens');
    this.#authorize = authorize === undefined ? undefined : authorize.bind(options);
    this.#known = tokens === undefined ? undefined : digested(tokens);
  }

  /** @throws Refusal 401 or 403, and what `authorize` throws. */
  async identify(request: Request, action: AdminAction): Promise<Operator> {
    const operator = (await this.#byToken(request)) ?? (await this.#asked(request, action));
    requireRole(operator, action.role);
    return operator;
  }

  async #byToken({ headers }: Request): Promise<Operator | undefined> {
    const [, token] = /^Bearer ([^ ]{1,512})$/i.exec(headers.get('authorization') ?? '') ?? [];
    if (this.#known === undefined || token === undefined) return undefined;
    return (await this.#known).get(await digestOf(token));
  }

  async #asked(request: Request, action: AdminAction): Promise<Operator> {
    if (this.#authorize === undefined)
      throw refuse(401, 'call/unauthenticated', 'Send the token of an operator.', {
        'www-authenticate': 'Bearer',
      });
    const given = await this.#authorize(request, action);
    if (given === undefined || given === null || given === '')
      throw refuse(403, 'permission/denied', 'This is for operators.');
    return operatorOf(given);
  }
}

/** @throws Refusal 403 that names the role. */
export function requireRole({ role }: Operator, needed: Role): void {
  if (ROLES.indexOf(role) >= ROLES.indexOf(needed)) return;
  throw refuse(403, 'permission/denied', `This needs the role '${needed}'; yours is '${role}'.`);
}

function operatorOf(given: string | Operator): Operator {
  // A name says that the application has looked at the action.
  const { name, role }: Operator =
    typeof given === 'string' ? { name: given, role: 'admin' } : given;
  if (typeof name !== 'string' || name === '' || !ROLES.includes(role))
    throw new TypeError("authorize() answers a name, or { name, role: 'viewer' }, or undefined");
  return { name: name.slice(0, MOST_NAME), role };
}

function digested(
  tokens: Readonly<Record<string, Operator>>,
): Promise<ReadonlyMap<string, Operator>> {
  const entries = Object.entries(tokens).map(([token, operator]) => {
    if (!TOKEN.test(token))
      throw wrong('tokens', "a token has 16 to 512 letters, digits, '.', '_', '~' or '-'");
    if (operator?.name === '' || !ROLES.includes(operator?.role))
      throw wrong(
        'tokens',
        `each is an operator: { name: 'grace', role: '${ROLES.join("' | '")}' }`,
      );
    return async () => [await digestOf(token), operatorOf(operator)] as const;
  });
  return Promise.all(entries.map((make) => make())).then((all) => new Map(all));
}

async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return String.fromCharCode(...new Uint8Array(digest));
}

const wrong = (option: string, what: string) =>
  createError('kernel/invalid-option', `admin(): ${what}`, { details: { option } });
