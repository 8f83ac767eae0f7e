/** An update that may do more than the version before needs consent to what it gains. */
import { createError, type Isolation, type Manifest } from '@plinth/sdk/contract';
import type { PluginPackage } from '../../host.js';
import type { Launcher } from '../../lifecycle/launcher.js';
import type { Grants } from '../../permissions/grants.js';
import { type Footprint, type Growth, growthOf } from '../../permissions/growth.js';
import type { PluginRecord, ValidatedPlugin } from '../../plugin/record.js';
import { versionedManifest } from './references.js';

/** Requests the decision whether a plugin may do more than before. */
export type AskConsent = (question: {
  readonly plugin: string;
  readonly version: string;
  readonly permissions: Growth;
  readonly owner?: { readonly from: string | undefined; readonly to: string };
}) => Promise<boolean>;

/** What this module needs from the kernel. */
export interface ConsentParts {
  readonly grants: Pick<Grants, 'written'>;
  readonly launcher: Pick<Launcher, 'isolationOf'>;
  readonly reachOf: (manifest: Manifest) => Readonly<Record<string, readonly string[]>>;
  readonly ask: AskConsent;
}

/** Compares versions, and asks about what the later one gains. It keeps no answer. */
export class Consent {
  readonly #parts: ConsentParts;

  constructor(parts: ConsentParts) {
    this.#parts = parts;
  }

  /** What a version may do more than the one before. Undefined when it gains nothing. */
  growth(old: PluginRecord, next: ValidatedPlugin): Growth | undefined {
    const { grants, launcher, reachOf } = this.#parts;
    const of = (manifest: Manifest, found: PluginPackage): Footprint => ({
      permissions: grants.written(manifest),
      manifest,
      isolation: isolationOf({ manifest, package: found }, launcher),
      reach: reachOf(manifest),
    });
    return growthOf(of(versionedManifest(old), old.package), of(next.manifest, next.package));
  }

  /** What was consented to; undefined if nothing was asked. A person may take any time for it. */
  async ask(old: PluginRecord, next: ValidatedPlugin): Promise<Growth | undefined> {
    const growth = this.growth(old, next);
    if (growth === undefined) return undefined;
    let cause: unknown;
    try {
      if (await this.#parts.ask({ plugin: next.id, version: next.version, permissions: growth }))
        return growth;
    } catch (error) {
      cause = error;
    }
    throw consentRequired(next, versionedManifest(old).version, growth, cause);
  }
}

/** Whether what a version gains was consented to. */
export function isWithin(growth: Growth, agreed: Growth | undefined): boolean {
  return Object.entries(growth).every(([name, scopes]) =>
    scopes.every((scope) => agreed?.[name]?.includes(scope)),
  );
}

function isolationOf(
  of: Parameters<Launcher['isolationOf']>[0],
  launcher: ConsentParts['launcher'],
): Isolation | undefined {
  try {
    return launcher.isolationOf(of);
  } catch {
    // A package that may not run at all is refused when it is loaded.
    return undefined;
  }
}

function consentRequired(
  { id, version }: ValidatedPlugin,
  from: string,
  growth: Growth,
  cause?: unknown,
): Error {
  return createError(
    'permission/consent-required',
    `cannot update ${id} to ${version}: it asks for more than ${from} does (${describe(growth)}), and there is no consent`,
    {
      plugin: id,
      details: { permissions: growth, version },
      ...(cause !== undefined && { cause }),
    },
  );
}

function describe(growth: Growth): string {
  return Object.entries(growth)
    .map(([name, scopes]) => `${name}: ${scopes.join(', ')}`)
    .join('; ');
}
