/** The settings of the service: `tenants.json` and the environment, checked as a whole. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseUsers } from './users.ts';

/** One customer. Its id is the first part of its host name. */
export interface TenantSettings {
  readonly id: string;
  /** Settings by plugin. */
  readonly config: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Passwords by user. */
  readonly users: ReadonlyMap<string, string>;
  /** Signs the links of this tenant, and of no other one. */
  readonly linkKey: string;
  /** Where its pages are, without a slash at the end. */
  readonly origin: string;
}

/** What the service is set up with. */
export interface Settings {
  readonly port: number;
  readonly host: string;
  /** The host below which tenants are. */
  readonly domain: string;
  /** The folder of what is kept. */
  readonly data: string;
  /** PostgreSQL for the databases of plugins. Undefined: they are files of SQLite. */
  readonly databaseUrl: string | undefined;
  readonly adminToken: string;
  readonly metricsToken: string;
  readonly tenants: ReadonlyMap<string, TenantSettings>;
  /** Where spans are sent. */
  readonly tracesUrl: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws AggregateError with everything that is wrong. */
export function readSettings(env: Environment, file = './tenants.json'): Settings {
  const wrong: Error[] = [];
  const attempt = <T>(read: () => T, otherwise: T): T => {
    try {
      return read();
    } catch (error) {
      wrong.push(error as Error);
      return otherwise;
    }
  };
  const secret = (name: string) =>
    attempt(() => {
      const value = env[name] ?? '';
      if (!/^[\w.~-]{16,512}$/.test(value))
        throw new Error(`${name} is missing: it has at least 16 letters, digits or ._~-`);
      return value;
    }, '');
  const port = attempt(() => {
    const number = Number(env['PORT'] ?? 3000);
    if (!Number.isInteger(number) || number < 0 || number > 65_535)
      throw new Error('PORT is a number from 0 to 65535');
    return number;
  }, 0);
  const url = attempt(
    () => new URL(env['PUBLIC_URL'] ?? `http://localhost:${port}`),
    new URL('http://localhost'),
  );
  const key = secret('SECRET');
  const tenants = attempt(() => {
    const known = JSON.parse(readFileSync(file, 'utf8')) as Record<
      string,
      TenantSettings['config']
    >;
    return Object.entries(known).map(([id, config]) =>
      attempt(() => tenantOf(id, config, { env, url, key }), undefined),
    );
  }, []);
  const settings: Settings = {
    port,
    host: env['HOST'] ?? '127.0.0.1',
    domain: url.hostname,
    data: env['DATA'] ?? './data',
    databaseUrl: env['DATABASE_URL'] || undefined,
    adminToken: secret('ADMIN_TOKEN'),
    metricsToken: secret('METRICS_TOKEN'),
    tenants: new Map(tenants.flatMap((one) => (one === undefined ? [] : [[one.id, one]]))),
    tracesUrl: env['TRACES_URL'] || undefined,
  };
  if (!/^(127\.|::1$|localhost$)/.test(settings.host)) wrong.push(...exampleValues(env));
  if (wrong.length > 0)
    throw new AggregateError(wrong, wrong.map(({ message }) => message).join('\n'));
  return settings;
}

/** What others could read in `.env.example`, and sign in with. */
const exampleValues = (env: Environment): Error[] =>
  Object.entries(env)
    .filter(
      ([name, value]) =>
        /^(SECRET|\w+_TOKEN|\w+_USERS)$/.test(name) && value?.includes('change-me'),
    )
    .map(
      ([name]) =>
        new Error(`${name} is that of .env.example, and HOST lets others in: choose another`),
    );

function tenantOf(
  id: string,
  config: TenantSettings['config'],
  { env, url, key }: { readonly env: Environment; readonly url: URL; readonly key: string },
): TenantSettings {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(id))
    throw new Error(`'${id}' of tenants.json can't be a part of a host name`);
  const name = `${id.toUpperCase().replaceAll('-', '_')}_USERS`;
  const origin = `${url.protocol}//${id}.${url.host}`;
  return {
    id,
    origin,
    config: {
      ...config,
      'com.example.blog': { address: `${origin}/blog/`, ...config['com.example.blog'] },
    },
    users: parseUsers(env[name] ?? '', name),
    linkKey: createHmac('sha256', key).update(`links of ${id}`).digest('hex'),
  };
}
