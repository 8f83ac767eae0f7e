/** Stage 4: read the code, launch a guest, and evaluate the code there. All or nothing: a failure leaves no guest. */
import { covers, createError, type Isolation, messageOf, type Manifest, type Statics } from '@plinth/sdk/contract';
import { GuestConnection } from '../guests/guest-connection.js';
import type { Guest, Host, PluginPackage } from '../host.js';
import type { KernelParts } from '../parts.js';
import { limitsFor } from '../supervision/resource-policy.js';
import type { LoadedPlugin, ResolvedPlugin } from '../record.js';
import { toldByGuest } from './failures.js';

let generation = 0;

/** @throws PluginLifecycleError `plugin/load-failed` or `plugin/launch-failed`, PluginSignatureError `plugin/digest-mismatch`. */
export async function load(record: ResolvedPlugin, parts: KernelParts): Promise<LoadedPlugin> {
  const { manifest } = record;
  const source = record.package.exported === undefined ? await parts.code.take(record.package, () => readCode(record, parts)) : undefined;
  let guest: Guest;
  let code: string;
  try {
    // Each time: what was trusted when it was read may not be any more.
    if (source !== undefined) await parts.trust.admit(record.package, manifest, source.code);
    code = source === undefined ? '' : await codeFor(record, source.code, parts);
    guest = await guestFor(record, parts);
  } catch (error) {
    source?.release();
    throw error;
  }
  const connection = new GuestConnection(manifest, guest, parts, parts.trust.level(record.package, manifest));
  void connection.ended.then(() => source?.release());
  try {
    const statics = await connection.load(code).catch((error: unknown) => {
      throw toldByGuest(manifest.id, error);
    });
    checkStatics(statics, manifest, parts);
    return { ...record, state: 'loaded', scope: connection.scope, connection, statics };
  } catch (error) {
    // Code may have registered something while it was loading.
    await connection.scope.dispose().catch(() => {});
    await connection.terminate();
    throw error;
  }
}

const functors = new WeakMap<PluginPackage, { readonly code: string; readonly functor: string }>();

/** Behind a wall there are no modules: what is evaluated there is made of the bundle here. */
async function codeFor(record: ResolvedPlugin, code: string, parts: KernelParts): Promise<string> {
  const { manifest, package: found } = record;
  const isolation = chooseIsolation(record, parts);
  if (isolation !== 'process' && isolation !== 'sandbox') return code;
  const known = functors.get(found);
  if (known?.code === code) return known.functor;
  const { toFunctor } = await import('@plinth/sdk/pack');
  const functor = toFunctor(code, `${manifest.id} (${fileOf(record)})`);
  functors.set(found, { code, functor });
  return functor;
}

/** @throws PluginLifecycleError `plugin/load-failed`, PluginSignatureError `plugin/digest-mismatch`. */
export async function readCode(record: Pick<ResolvedPlugin, 'manifest' | 'package' | 'origin'>, { limits }: Pick<KernelParts, 'limits'>): Promise<string> {
  const { manifest, package: found } = record;
  const file = fileOf(record);
  const fail = (what: string, cause?: unknown) =>
    createError('plugin/load-failed', `cannot load ${manifest.id}: ${file} ${what}`, { plugin: manifest.id, details: { file }, ...(cause !== undefined && { cause }) });
  let code: string;
  try {
    code = await found.code(manifest.main);
  } catch (cause) {
    throw fail(`cannot be read: ${messageOf(cause)}`, cause);
  }
  if (typeof code !== 'string' || code.trim() === '') throw fail("is empty: build the plugin, 'main' is one bundled file");
  if (code.length > limits.codeSize) throw fail(`has ${code.length} characters, more than the limit of ${limits.codeSize}`);
  const expected = manifest.files?.[manifest.main];
  if (expected !== undefined) await checkDigest(manifest, file, code, expected);
  return code;
}

/** Where a bundle is: in its folder, which is what the origin names, or the folder of its manifest. */
function fileOf({ origin, manifest }: Pick<ResolvedPlugin, 'manifest' | 'origin'>): string {
  return `${origin.endsWith('.json') ? origin.slice(0, origin.lastIndexOf('/')) : origin}/${manifest.main}`;
}

async function checkDigest(manifest: Manifest, file: string, code: string, expected: string): Promise<void> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(code));
  const found = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found === expected) return;
  throw createError('plugin/digest-mismatch', `cannot load ${manifest.id}: ${file} is not the file that the manifest describes (SHA-256 ${found}, expected ${expected})`, {
    plugin: manifest.id,
    details: { file, found, expected },
  });
}

/** A guest of its own, or a way into the one that its tenants share. */
async function guestFor(record: ResolvedPlugin, parts: KernelParts): Promise<Guest> {
  const { manifest } = record;
  const shared = manifest.tenancy === 'shared' && chooseIsolation(record, parts) === 'worker' && parts.policy.shared?.some((pattern) => covers(pattern, manifest.id));
  if (!shared) return launch(record, parts);
  return parts.shared.join({ plugin: manifest.id, package: record.package, ready: parts.limits.ready, turn: parts.turn, defer: parts.defer, launch: () => launch(record, parts) });
}

async function launch(record: ResolvedPlugin, parts: KernelParts): Promise<Guest> {
  const { manifest } = record;
  const isolation = chooseIsolation(record, parts);
  const host = hostFor(isolation, manifest, parts.hosts);
  const memory = memoryOf(record, parts);
  generation += 1;
  try {
    return await host.launch({
      plugin: { id: manifest.id, version: manifest.version },
      isolation,
      limits: { ready: parts.limits.ready, ...(memory !== undefined && { memory }) },
      generation,
      ...(record.package.exported !== undefined && { exported: record.package.exported }),
      log: (level, text) => parts.log.write(manifest.id, level, text),
    });
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'plugin/launch-failed') throw cause;
    throw createError('plugin/launch-failed', `cannot launch ${manifest.id} (${isolation}): ${messageOf(cause)}`, { plugin: manifest.id, cause });
  }
}

/** Bytes; undefined for no limit. */
function memoryOf({ manifest, package: found }: ResolvedPlugin, { policy, trust }: KernelParts): number | undefined {
  const { memory } = limitsFor(policy.resources, manifest, trust.level(found, manifest));
  return Number.isFinite(memory) ? memory : undefined;
}

/** Where a plugin runs: the embedder decides, then the manifest. A plugin can't ask its way out of isolation. */
export function chooseIsolation(record: Pick<ResolvedPlugin, 'manifest' | 'package'>, parts: Pick<KernelParts, 'isolation' | 'trust'>): Isolation {
  const { manifest, package: found } = record;
  // What the application itself holds is its own.
  if (found.exported !== undefined) return 'inline';
  return parts.trust.isolation(wantedIsolation(record, parts), found, manifest);
}

function wantedIsolation({ manifest }: Pick<ResolvedPlugin, 'manifest'>, { isolation }: Pick<KernelParts, 'isolation'>): Isolation {
  const decided = typeof isolation === 'function' ? isolation(manifest) : isolation;
  if (decided !== undefined) return decided;
  if (manifest.isolation === 'inline') {
    throw createError('plugin/launch-failed', `cannot launch ${manifest.id}: it asks to run inline, and only the application can allow that (option 'isolation')`, {
      plugin: manifest.id,
    });
  }
  return manifest.isolation;
}

function hostFor(isolation: Isolation, manifest: Manifest, hosts: readonly Host[]): Host {
  const host = hosts.find((one) => one.isolations.includes(isolation));
  if (host !== undefined) return host;
  const offered = [...new Set(hosts.flatMap((one) => one.isolations))].join(', ');
  throw createError('plugin/launch-failed', `cannot launch ${manifest.id}: no host here offers '${isolation}' isolation, only ${offered}`, {
    plugin: manifest.id,
    details: { isolation, offered },
  });
}

function checkStatics(statics: Statics, manifest: Manifest, { log }: KernelParts): void {
  const texts = (list: unknown) => Array.isArray(list) && list.length <= 1_024 && list.every((one) => typeof one === 'string');
  const sound =
    texts(statics?.provides) &&
    texts(statics.hooks) &&
    Array.isArray(statics.needs) &&
    statics.needs.length <= 1_024 &&
    statics.needs.every((need) => typeof need?.name === 'string' && typeof need.contract === 'string' && typeof need.optional === 'boolean');
  if (!sound) throw createError('plugin/load-failed', `cannot load ${manifest.id}: its guest described it in a form that is not well formed`, { plugin: manifest.id });
  const declared = new Set(manifest.provides ?? statics.provides);
  for (const id of statics.provides) {
    const foreign = !id.startsWith(`${manifest.id}@`) && !id.startsWith('plinth.');
    if (foreign) {
      throw createError('plugin/load-failed', `cannot load ${manifest.id}: its code provides '${id}', which is not under its own id`, {
        plugin: manifest.id,
        details: { contract: id },
      });
    }
    if (!declared.has(id)) log.write('kernel', 'warn', `${manifest.id} provides '${id}', which its manifest doesn't list in 'provides'`);
  }
  for (const id of manifest.provides ?? []) {
    // Code that provides no version of it may still answer it, command by command: that is known when it is active.
    const other = statics.provides.includes(id) ? undefined : statics.provides.find((one) => !declared.has(one) && baseOf(one) === baseOf(id));
    if (other === undefined) continue;
    throw createError('plugin/load-failed', `cannot load ${manifest.id}: its manifest provides '${id}', its code '${other}'`, {
      plugin: manifest.id,
      details: { contract: other, expected: id },
    });
  }
  for (const { contract, optional } of statics.needs) {
    const base = baseOf(contract);
    if (!manifest.needs.some((need) => need.startsWith(`${base}@`))) {
      log.write('kernel', 'warn', `${manifest.id} needs '${contract}'${optional ? ' (optional)' : ''}, which its manifest doesn't list in 'needs': its calls will be refused`);
    }
  }
}

const baseOf = (contract: string) => contract.slice(0, contract.indexOf('@'));
