/** Stage 4: reads the code, launches a guest, evaluates the code. A failure leaves no guest. */
import {
  covers,
  createError,
  type Isolation,
  type Manifest,
  messageOf,
  type PluginError,
  sha256,
} from '@plinth/sdk/contract';
import { GuestConnection } from '../guests/guest-connection.js';
import type { Guest, Host, PluginPackage } from '../host.js';
import type { KernelParts } from '../parts.js';
import type { Plugin } from '../plugin/plugin.js';
import type { LoadedPlugin, ResolvedPlugin } from '../plugin/record.js';
import { ran } from '../sources/package-snapshots.js';
import { limitsFor } from '../supervision/resource-policy.js';
import { checkStatics } from './check-statics.js';
import { toldByGuest } from './failures.js';
import { inTime } from './in-time.js';

/** Lines that a function wrapper puts before the bundle's first line. */
const FUNCTOR_LINES = 1;

let generation = 0;

const hasSchemas = ({ config, contributes }: Manifest) =>
  config !== undefined ||
  contributes.commands?.some(({ input, output }) => input !== undefined || output !== undefined) ===
    true;

/**
 * @throws PluginLifecycleError `plugin/load-failed`, `plugin/launch-failed`, PluginSignatureError
 * `plugin/digest-mismatch`, PluginManifestError `manifest/invalid` for an unusable schema.
 */
export async function load(
  record: ResolvedPlugin,
  mailbox: Plugin['mailbox'],
  parts: KernelParts,
): Promise<LoadedPlugin> {
  const { manifest } = record;
  if (hasSchemas(manifest)) (await import('../schema/schema-guard.js')).guardSchemas(manifest);
  const source =
    record.package.exported === undefined
      ? await parts.code.take(record.package, () => readCode(record, parts))
      : undefined;
  let guest: Guest;
  let code: string;
  try {
    // Checked on each load: the trust in a package may have been withdrawn since it was read.
    if (source !== undefined) {
      await parts.trust.admit(record.package, manifest, source.code);
      await parts.extending.checkCode(record.package, manifest, source.code);
    }
    await parts.owners.admit(record.package, manifest);
    code = source === undefined ? '' : await codeFor(record, source.code, parts);
    guest = await guestFor(record, parts);
  } catch (error) {
    source?.release();
    throw error;
  }
  const connection = new GuestConnection(
    manifest,
    guest,
    mailbox,
    parts,
    parts.trust.level(record.package, manifest),
  );
  void connection.ended.then(() => source?.release());
  try {
    const bundle = source && {
      package: record.package,
      code: source.code,
      offset: code === source.code ? 0 : FUNCTOR_LINES,
    };
    const told = await connection.load(code, bundle).catch((error: unknown) => {
      throw toldByGuest(manifest.id, error);
    });
    const statics = checkStatics(told, manifest, parts);
    ran(record.package, record.key);
    return { ...record, state: 'loaded', scope: connection.scope, connection, statics };
  } catch (error) {
    // Code may have registered something while it was loading.
    await connection.scope.dispose().catch(() => {});
    await connection.terminate();
    throw error;
  }
}

const functors = new WeakMap<PluginPackage, { readonly code: string; readonly functor: string }>();

/** A guest behind a wall has no modules. This builds the code that it evaluates from the bundle. */
async function codeFor(record: ResolvedPlugin, code: string, parts: KernelParts): Promise<string> {
  const { manifest, package: found } = record;
  const isolation = chooseIsolation(record, parts);
  if (isolation !== 'process' && isolation !== 'sandbox') {
    await refuseBuiltins(record, code);
    return code;
  }
  const known = functors.get(found);
  if (known?.code === code) return known.functor;
  const { toFunctorInSlices } = await import('@plinth/sdk/pack');
  let functor: string;
  try {
    functor = await toFunctorInSlices(
      code,
      `${manifest.id} (${fileOf(record)})`,
      () => new Promise((resolve) => parts.defer(resolve)),
    );
  } catch (error) {
    const { message, details } = error as PluginError;
    throw createError('plugin/load-failed', message, {
      plugin: manifest.id,
      details,
      cause: error,
    });
  }
  functors.set(found, { code, functor });
  return functor;
}

/** Largest bundle, in characters, checked for imports here. Guests that can refuse them do. */
const MAX_SEARCHED = 262_144;

/** Plugins behave alike in every runtime, so none may import a runtime's built-in modules. */
async function refuseBuiltins(
  { manifest, ...record }: ResolvedPlugin,
  code: string,
): Promise<void> {
  if (
    code.length > MAX_SEARCHED ||
    !/\b(?:from|import)\s{0,8}\(?\s{0,8}["'](?:node|bun|deno):/.test(code)
  )
    return;
  const { builtinImport } = await import('@plinth/sdk/pack');
  const name = builtinImport(code);
  if (name === undefined) return;
  const file = fileOf({ manifest, ...record });
  throw createError(
    'plugin/load-failed',
    `cannot load ${manifest.id}: ${file} imports '${name}': a plugin reaches its runtime through ctx alone (ctx.fs, ctx.fetch, ctx.env, ctx.storage)`,
    {
      plugin: manifest.id,
      details: { file, imports: name },
    },
  );
}

/** @throws PluginLifecycleError `plugin/load-failed`, PluginSignatureError `plugin/digest-mismatch`. */
export async function readCode(
  record: Pick<ResolvedPlugin, 'manifest' | 'package' | 'origin'>,
  { limits }: Pick<KernelParts, 'limits'>,
): Promise<string> {
  const { manifest, package: found } = record;
  const file = fileOf(record);
  const fail = (what: string, cause?: unknown) =>
    createError('plugin/load-failed', `cannot load ${manifest.id}: ${file} ${what}`, {
      plugin: manifest.id,
      details: { file },
      ...(cause !== undefined && { cause }),
    });
  let code: string;
  try {
    code = await inTime(found.code(manifest.main, limits.codeSize), limits.read);
  } catch (cause) {
    throw fail(`cannot be read: ${messageOf(cause)}`, cause);
  }
  if (typeof code !== 'string' || code.trim() === '')
    throw fail("is empty: build the plugin, 'main' is one bundled file");
  if (/^\s*<[!?a-z]/i.test(code.slice(0, 1_024))) {
    throw fail(
      'is a page (HTML), not code: check the path, and that a server answers what it does not have with 404 and not with its start page',
    );
  }
  if (code.length > limits.codeSize)
    throw fail(`has ${code.length} characters, more than the limit of ${limits.codeSize}`);
  const expected = manifest.files?.[manifest.main];
  if (expected !== undefined) await checkDigest(manifest, file, code, expected);
  return code;
}

/** Where a bundle is: in the folder that the origin names, or in the folder of its manifest. */
function fileOf({ origin, manifest }: Pick<ResolvedPlugin, 'manifest' | 'origin'>): string {
  return `${origin.endsWith('.json') ? origin.slice(0, origin.lastIndexOf('/')) : origin}/${manifest.main}`;
}

async function checkDigest(
  manifest: Manifest,
  file: string,
  code: string,
  expected: string,
): Promise<void> {
  const found = await sha256(new TextEncoder().encode(code));
  if (found === expected) return;
  throw createError(
    'plugin/digest-mismatch',
    `cannot load ${manifest.id}: ${file} is not the file that the manifest describes (SHA-256 ${found}, expected ${expected})`,
    {
      plugin: manifest.id,
      details: { file, found, expected },
    },
  );
}

/** Launches a separate guest, or joins the one that the tenants share. */
async function guestFor(record: ResolvedPlugin, parts: KernelParts): Promise<Guest> {
  const { manifest } = record;
  const shared =
    manifest.tenancy === 'shared' &&
    chooseIsolation(record, parts) === 'worker' &&
    parts.policy.shared?.some((pattern) => covers(pattern, manifest.id));
  if (!shared) return launch(record, parts);
  return parts.shared.join({
    plugin: manifest.id,
    package: record.package,
    ready: parts.limits.ready,
    turn: parts.turn,
    defer: parts.defer,
    launch: () => launch(record, parts),
  });
}

async function launch(record: ResolvedPlugin, parts: KernelParts): Promise<Guest> {
  const { manifest } = record;
  const isolation = chooseIsolation(record, parts);
  const host = hostFor(isolation, manifest, parts.hosts);
  const memory = memoryOf(record, parts);
  generation += 1;
  const start = () =>
    host.launch({
      plugin: { id: manifest.id, version: manifest.version },
      isolation,
      limits: { ready: parts.limits.ready, ...(memory !== undefined && { memory }) },
      generation,
      ...(record.package.exported !== undefined && { exported: record.package.exported }),
      log: (level, text) => {
        if (parts.grants.may(manifest, 'logs.write')) parts.log.write(manifest.id, level, text);
      },
    });
  try {
    return await parts.extending.launch(record.key, isolation, start);
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'plugin/launch-failed') throw cause;
    throw createError(
      'plugin/launch-failed',
      `cannot launch ${manifest.id} (${isolation}): ${messageOf(cause)}`,
      { plugin: manifest.id, cause },
    );
  }
}

/** Bytes; undefined for no limit. */
function memoryOf(
  { manifest, package: found }: ResolvedPlugin,
  { policy, trust }: KernelParts,
): number | undefined {
  const { memory } = limitsFor(policy.resources, manifest, trust.level(found, manifest));
  return Number.isFinite(memory) ? memory : undefined;
}

/** Where a plugin runs: the embedder decides, then the manifest. It can't opt out of isolation. */
export function chooseIsolation(
  record: Pick<ResolvedPlugin, 'manifest' | 'package'>,
  parts: Pick<KernelParts, 'isolation' | 'trust' | 'extending'>,
): Isolation {
  const { manifest, package: found } = record;
  // An object of the application belongs to the application.
  if (found.exported !== undefined) return 'inline';
  const trusted = parts.trust.isolation(wantedIsolation(record, parts), found, manifest);
  return parts.extending.isolation(trusted, found);
}

function wantedIsolation(
  { manifest }: Pick<ResolvedPlugin, 'manifest'>,
  { isolation }: Pick<KernelParts, 'isolation'>,
): Isolation {
  const decided = typeof isolation === 'function' ? isolation(manifest) : isolation;
  if (decided !== undefined) return decided;
  if (manifest.isolation === 'inline') {
    throw createError(
      'plugin/launch-failed',
      `cannot launch ${manifest.id}: it asks to run inline, and only the application can allow that (option 'isolation')`,
      {
        plugin: manifest.id,
      },
    );
  }
  return manifest.isolation;
}

function hostFor(isolation: Isolation, manifest: Manifest, hosts: readonly Host[]): Host {
  const host = hosts.find((one) => one.isolations.includes(isolation));
  if (host !== undefined) return host;
  const offered = [...new Set(hosts.flatMap((one) => one.isolations))].join(', ');
  throw createError(
    'plugin/launch-failed',
    `cannot launch ${manifest.id}: no host here offers '${isolation}' isolation, only ${offered}`,
    {
      plugin: manifest.id,
      details: { isolation, offered },
    },
  );
}
