/** Where a running kernel is, and the token that opens its admin API. */
import type { Options } from '../command.js';
import { CliError } from '../terminal/cli-error.js';

/** A kernel elsewhere. */
export interface Address {
  /** Ends in a slash. */
  readonly base: string;
  readonly token: string | undefined;
  readonly tenant: string | undefined;
  /** Whether the token would go through a network unencrypted. */
  readonly open: boolean;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
/** What a header may have. */
const HEADER = /^[\u0021-\u007e]+$/;
/** More than this no server reads of a header. */
const MOST_TOKEN = 8_192;
const MOST_TENANT = 512;

/**
 * Reads `--url`, `--token` and `--tenant`. A token that isn't given is the one of `PLINTH_TOKEN`,
 * which no list of processes shows.
 *
 * @returns undefined without `--url`.
 * @throws CliError `cli/usage`.
 */
export function addressOf(options: Options, env: NodeJS.ProcessEnv): Address | undefined {
  const { url, token = env.PLINTH_TOKEN, tenant, project } = options;
  if (url === undefined) {
    for (const name of ['token', 'tenant'] as const)
      if (options[name] !== undefined)
        throw wrong(`--${name} is for a running kernel`, 'Name it with --url.');
    return undefined;
  }
  if (project !== undefined)
    throw wrong('--url and --project name two kernels', 'Give one of them.');
  const { protocol, hostname, username, password, href } = parsed(String(url));
  if (protocol !== 'http:' && protocol !== 'https:')
    throw wrong(`--url takes an address of http or https, not '${String(url)}'`);
  if (username !== '' || password !== '')
    throw wrong('--url takes no user and no password', 'Give a token in PLINTH_TOKEN.');
  const given = token === undefined || token === '' ? undefined : String(token).trim();
  if (given !== undefined && (!HEADER.test(given) || given.length > MOST_TOKEN))
    throw wrong('the token has characters that no header can have', 'Check PLINTH_TOKEN.');
  const { pathname, origin } = new URL(href);
  const { length = 0 } = String(tenant ?? '');
  if (tenant !== undefined && (length === 0 || length > MOST_TENANT))
    throw wrong(`--tenant takes a name of 1 to ${MOST_TENANT} characters`);
  return {
    base: `${origin}${pathname.replace(/\/$/, '')}/`,
    token: given,
    tenant: tenant === undefined ? undefined : String(tenant),
    open: given !== undefined && protocol === 'http:' && !LOOPBACK.test(hostname),
  };
}

function parsed(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw wrong(`--url takes an address like http://127.0.0.1:8080, not '${text}'`);
  }
}

const wrong = (message: string, cure?: string) =>
  new CliError('cli/usage', message, { usage: true, ...(cure !== undefined && { cure }) });
