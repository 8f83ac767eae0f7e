/** Reads the body of a request of the admin API, and the package that it brings or names. */
import type { PluginPackage, PluginSource } from '@plinth/kernel';
import { packageOfArchive } from '@plinth/kernel/archive';
import { readBody, readJson, typeOf } from '../incoming.js';
import type { HttpLimits } from '../options.js';
import { refuse } from '../problem.js';
import { ARCHIVES } from './admin-openapi.js';
import type { Operation } from './operation.js';

/** Finds the package that the body of an installation or an update names. */
export type FindPackage = (
  id: string,
  body: unknown,
) => PluginPackage | PluginSource | undefined | Promise<PluginPackage | PluginSource | undefined>;

/** What a body is. */
export interface Content {
  readonly body: unknown;
  /** Its package, once the request is on record. @throws Refusal 422. */
  found(): Promise<PluginPackage | PluginSource | undefined>;
}

/** The origin of packages that come as archives, for all of them: updates are of the same origin. */
const ORIGIN = 'upload:admin';
/** Bodies that are read at the same time, of those that may be large. */
const MOST_UPLOADS = 4;
/** Milliseconds in which an upload has to arrive. */
const UPLOAD_TIME = 300_000;
let uploads = 0;

const none = async () => undefined;

/** @throws Refusal 400, 408, 413, 415 or 503. */
export async function contentOf(
  request: Request,
  { body: kind }: Operation,
  id: string,
  limits: Required<HttpLimits>,
  find: FindPackage | undefined,
): Promise<Content> {
  const type = typeOf(request);
  if (kind === 'archive' || (kind === 'package' && ARCHIVES.includes(type))) {
    if (!ARCHIVES.includes(type))
      throw refuse(415, 'http/unsupported-type', `Send an archive, as ${ARCHIVES.join(' or ')}.`);
    const bytes = await upload(request, limits);
    return { body: undefined, found: () => packageOfArchive(bytes, { origin: ORIGIN }) };
  }
  if (kind === 'lines') {
    if (type !== 'application/x-ndjson')
      throw refuse(415, 'http/unsupported-type', 'Send lines, as application/x-ndjson.');
    const bytes = await upload(request, limits);
    return { body: new TextDecoder().decode(bytes), found: none };
  }
  const body = await readJson(request, limits);
  if (kind !== 'package') return { body, found: none };
  return {
    body,
    async found() {
      const found = await find?.(id, body);
      if (found === undefined)
        throw refuse(422, 'plugin/not-found', 'There is no package to install.');
      return found;
    },
  };
}

async function upload(
  request: Request,
  { upload: body, timeout }: Required<HttpLimits>,
): Promise<Uint8Array<ArrayBuffer>> {
  if (uploads >= MOST_UPLOADS)
    throw refuse(503, 'http/overloaded', 'Other uploads are not over.', { 'retry-after': '1' });
  uploads += 1;
  try {
    const bytes = await readBody(request, { body, timeout: Math.max(timeout, UPLOAD_TIME) });
    return new Uint8Array(bytes ?? []);
  } finally {
    uploads -= 1;
  }
}
