/** The options of `http()`, and their checks. */
import { checkOptionNames, createError, messageOf } from '@plinth/sdk/contract';
import { AREAS, type Area } from './contribution.js';

/** Bounds of requests and responses. */
export interface HttpLimits {
  /** Bytes of the body of a request. Default: 1 MiB. */
  readonly body?: number;
  /** Bytes of an upload: of an archive, or of a body that a plugin reads as a stream. Default: 64 MiB. */
  readonly upload?: number;
  /** Bytes of the answer of a plugin that is no stream. Default: 8 MiB. */
  readonly answer?: number;
  /** Bytes of all headers of a request or an answer. Default: 16 KiB. */
  readonly headers?: number;
  /**
   * Milliseconds that a body has to arrive, that a call has to be answered, that each function of the
   * application (`authenticate`, `tenant`, `authorize`) has to answer, and that a part of a streamed
   * answer may take to come and to be taken by the client. Default: 30 000.
   */
  readonly timeout?: number;
  /** Requests in flight. Default: 512. */
  readonly requests?: number;
  /** Requests in flight of one plugin. Default: 256. */
  readonly plugin?: number;
  /** Open streams of events, and open WebSockets. Default: 256. */
  readonly streams?: number;
  /** Events that wait for a slow reader before it is cut off. Default: 256. */
  readonly queue?: number;
}

/** Which events clients may listen to. */
export interface EventOptions {
  /** Topics, and prefixes that end in `*`. */
  readonly topics: readonly string[];
  /** Whether a request may listen to the topics it asks for. */
  authorize(request: Request, topics: readonly string[], user: string): boolean | Promise<boolean>;
}

/**
 * Where plugins answer, each below its id. `'/'` mounts a list at the root, where paths of the
 * extension itself come first; false leaves it out.
 */
export interface HttpMounts {
  /** Routes of `contributes.http.api`. Default: `/api`. */
  readonly api?: string | false;
  /** Routes of `contributes.http.web`. Default: `/`. */
  readonly web?: string | false;
  /** Routes of `contributes.http.routes`, and those of plugins that declare none. Default: `/plugins`. */
  readonly routes?: string | false;
}

/** Options of `http()`. */
export interface HttpOptions {
  /**
   * The user of a request, which handlers see as `call.user`. Undefined: the request has none.
   * It reads headers alone: the body is the plugin's.
   * Absent: no request has one, and commands and events are refused.
   */
  authenticate?(request: Request): string | undefined | Promise<string | undefined>;
  /**
   * The tenant that answers a request. Undefined: the default one, whose plugins don't answer where
   * `createKernel({ tenants: 'only' })` is given. One that isn't there is 404. Tenants are made by the
   * application, and their own handlers are not asked.
   */
  tenant?(request: Request): string | undefined | Promise<string | undefined>;
  /**
   * Where routes of plugins are. A path is that of `routes` and `web`, and `api` is below it:
   * `/ext` has `/ext/<id>` and `/ext/api/<id>`. False: nowhere.
   */
  readonly mount?: HttpMounts | string | false;
  /** Commands that clients may call: ids, and prefixes that end in `*`. Default: none. */
  readonly expose?: readonly string[];
  /** Events that clients may listen to. Default: none. */
  readonly events?: EventOptions;
  /** Origins of pages that may read answers, like `https://app.example.com`. Default: none. */
  readonly origins?: readonly string[];
  /** Hosts that are served, with their port or without. Absent: all. */
  readonly hosts?: readonly string[];
  /**
   * Headers of requests that plugins get although they are secrets: `authorization`, `cookie`.
   * Default: none.
   */
  readonly forward?: readonly string[];
  /**
   * `sandbox`: browsers give pages of plugins an origin of their own. `same-origin`: pages of
   * plugins can do all that pages of the application can. Default: `sandbox`.
   */
  readonly pages?: 'sandbox' | 'same-origin';
  /**
   * Whether plugins may set cookies. Each plugin has its own: they are sent to its paths alone, and
   * it sees no others. Default: false.
   */
  readonly cookies?: boolean;
  readonly limits?: HttpLimits;
}

/** Options with all defaults. */
export interface Settings extends Omit<HttpOptions, 'limits' | 'mount'> {
  /** Paths without a slash at their end: that of the root is empty. */
  readonly mounts: Mounts;
  readonly expose: readonly string[];
  readonly origins: readonly string[];
  readonly forward: readonly string[];
  readonly pages: 'sandbox' | 'same-origin';
  readonly cookies: boolean;
  readonly limits: Required<HttpLimits>;
}

/** 24 days, in milliseconds: the timers of the platform end at once when they are given more. */
const LONGEST = 2_100_000_000;

/** The limits of an application that gives none. */
export const LIMITS: Required<HttpLimits> = {
  body: 1_048_576,
  upload: 67_108_864,
  answer: 8_388_608,
  headers: 16_384,
  timeout: 30_000,
  requests: 512,
  plugin: 256,
  streams: 256,
  queue: 256,
};

/** Where the lists of manifests are mounted. */
export type Mounts = Readonly<Record<Area, string | false>>;

const MOUNTS: Mounts = { routes: '/plugins', api: '/api', web: '' };

const OPTIONS: readonly string[] = [
  'authenticate',
  'tenant',
  'mount',
  'expose',
  'events',
  'origins',
  'hosts',
  'forward',
  'pages',
  'cookies',
  'limits',
];
/** A path of plain segments. */
const MOUNT = /^(\/[a-zA-Z0-9_-]+){1,8}$/;
/** Paths of the extension itself. */
const OWN = /^\/(commands|events|health|metrics|diagnostics|api|openapi)(\/|$)/;
/** Where routes of `contributes.http.api` can be, beside the admin API. */
const API = /^\/api(?!\/v1(\/|$))/;
/** An id or topic, or a prefix of one that names at least its owner's first word. */
export const SCOPE = /^[a-z][a-zA-Z0-9.:-]{0,254}\*?$/;
const ORIGIN = /^https?:\/\/[a-z0-9.:[\]-]+$/;
const HEADER = /^[a-z0-9-]{1,64}$/;
const HOST = /^[a-z0-9.:[\]-]{1,255}$/;

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function settingsOf(options: HttpOptions): Settings {
  checkOptionNames('http()', options, OPTIONS, 'options');
  const { mount, ...others } = options;
  const { events, hosts } = others;
  const { pages = 'sandbox', cookies = false } = options;
  for (const name of ['authenticate', 'tenant'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw wrong(name, 'is a function of a request');
  if (pages !== 'sandbox' && pages !== 'same-origin')
    throw wrong('pages', "is 'sandbox' or 'same-origin'");
  if (typeof cookies !== 'boolean') throw wrong('cookies', 'is true or false');
  if (events !== undefined) {
    if (typeof events?.authorize !== 'function')
      throw wrong('events', 'needs a function `authorize`, which says who may listen');
    list('events.topics', events.topics, SCOPE, 'com.example.notes:*');
  }
  return {
    ...others,
    mounts: mountsOf(mount),
    pages,
    cookies,
    expose: list('expose', options.expose, SCOPE, 'com.example.notes:*'),
    origins: list('origins', options.origins, ORIGIN, 'https://app.example.com'),
    forward: list('forward', options.forward, HEADER, 'authorization'),
    ...(hosts !== undefined && { hosts: list('hosts', hosts, HOST, 'app.example.com') }),
    limits: limitsOf(options.limits),
  };
}

/** @throws PluginConfigurationError `kernel/invalid-option`. */
function mountsOf(given: HttpOptions['mount'] = {}): Mounts {
  if (given === false) return { routes: false, api: false, web: false };
  if (typeof given === 'string') {
    const base = mountOf('mount', given);
    return { routes: base, api: `${base}/api`, web: base };
  }
  checkOptionNames("http(): 'mount'", given, AREAS, 'mount');
  const set = AREAS.map((area) => {
    const path = given[area];
    if (path === undefined) return [area, MOUNTS[area]];
    return [area, path === false ? path : mountOf(`mount.${area}`, path)];
  });
  return Object.fromEntries(set) as Mounts;
}

function mountOf(option: string, path: string): string {
  if (path === '/') return '';
  const isPath = typeof path === 'string' && MOUNT.test(path);
  if (!isPath || (OWN.test(path) && !(option === 'mount.api' && API.test(path))))
    throw wrong(option, "is a path like '/plugins' that the extension doesn't use, '/' or false");
  return path;
}

/** Whether an id or topic is in a list of ids and prefixes. */
export function covers(scopes: readonly string[], id: string): boolean {
  return scopes.some((scope) =>
    scope.endsWith('*') ? id.startsWith(scope.slice(0, -1)) : id === scope,
  );
}

function limitsOf(given: HttpLimits = {}): Required<HttpLimits> {
  checkOptionNames("http(): 'limits'", given, Object.keys(LIMITS), 'limits');
  for (const [name, value] of Object.entries(given) as [string, unknown][])
    if (value !== undefined && !(Number.isSafeInteger(value) && (value as number) >= 1))
      throw wrong(`limits.${name}`, 'is a whole number of at least 1');
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const limits = { ...LIMITS, ...Object.fromEntries(set) };
  return { ...limits, timeout: Math.min(limits.timeout, LONGEST) };
}

function list(
  option: string,
  values: readonly string[] = [],
  form: RegExp,
  example: string,
): readonly string[] {
  if (!Array.isArray(values)) throw wrong(option, `is a list, like ['${example}']`);
  for (const value of values as unknown[])
    if (typeof value !== 'string' || !form.test(value))
      throw wrong(option, `has '${messageOf(value).slice(0, 80)}': write one like '${example}'`);
  return [...values];
}

function wrong(option: string, what: string): Error {
  return createError('kernel/invalid-option', `http(): '${option}' ${what}`, {
    details: { option },
  });
}
