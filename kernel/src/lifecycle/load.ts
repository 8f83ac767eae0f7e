/** Stage 4: reads the code, launches a guest, evaluates the code. A failure leaves no guest. */
import type { Manifest } from '@plinth/sdk/contract';
import { GuestConnection } from '../guests/guest-connection.js';
import type { GuestServices } from '../guests/guest-services.js';
import type { Guest, PluginPackage } from '../host.js';
import type { Plugin } from '../plugin/plugin.js';
import type { LoadedPlugin, ResolvedPlugin, StartPhases } from '../plugin/record.js';
import { ran } from '../sources/package-snapshots.js';
import type { Bundles, GuestCode } from './bundles.js';
import { checkStatics } from './check-statics.js';
import type { CodeInUse } from './code-cache.js';
import type { Extending } from './extending.js';
import { toldByGuest } from './failures.js';
import type { Launcher } from './launcher.js';
import type { Owning, Trusting } from './trusting.js';

/** What loading needs of the kernel. */
export interface LoaderParts {
  readonly bundles: Bundles;
  readonly launcher: Launcher;
  readonly trust: Pick<Trusting, 'admit' | 'level'>;
  readonly owners: Owning;
  readonly extending: Pick<Extending, 'checkCode'>;
  readonly services: GuestServices;
}

const hasSchemas = ({ config, contributes }: Manifest) =>
  config !== undefined ||
  contributes.commands?.some(({ input, output }) => input !== undefined || output !== undefined) ===
    true;

const NO_CODE: GuestCode = { text: '', offset: 0, conversion: 0 };

/** A guest that is there, the code for it, and how long that took in milliseconds. */
interface Launched {
  readonly guest: Guest;
  readonly code: GuestCode;
  readonly phases: Pick<StartPhases, 'spawn' | 'verify'>;
}

/** Makes guests with the code of plugins. */
export class Loader {
  readonly #parts: LoaderParts;

  constructor(parts: LoaderParts) {
    this.#parts = parts;
  }

  /**
   * @throws PluginLifecycleError `plugin/load-failed`, `plugin/launch-failed`, PluginSignatureError
   * `plugin/digest-mismatch`, PluginManifestError `manifest/invalid` for an unusable schema.
   */
  async load(record: ResolvedPlugin, mailbox: Plugin['mailbox']): Promise<LoadedPlugin> {
    const { bundles, trust, services } = this.#parts;
    const { manifest, package: found } = record;
    if (hasSchemas(manifest)) (await import('../schema/schema-guard.js')).guardSchemas(manifest);
    const began = performance.now();
    const source = found.exported === undefined ? await bundles.take(record) : undefined;
    const read = performance.now() - began;
    const launched = await this.#launch(record, source).catch((error: unknown) => {
      source?.release();
      throw error;
    });
    const { guest, code } = launched;
    const level = trust.level(found, manifest);
    let connection: GuestConnection;
    try {
      connection = new GuestConnection(manifest, guest, mailbox, services, level);
    } catch (error) {
      source?.release();
      await guest.terminate();
      throw error;
    }
    void connection.ended.then(() => source?.release());
    try {
      const bundle = source && { package: found, code: source.code, offset: code.offset };
      const imported = performance.now();
      const told = await connection
        .load(code.text, code.conversion, bundle)
        .catch((error: unknown) => {
          throw toldByGuest(manifest.id, error);
        });
      const { rights, reporting } = services;
      const statics = checkStatics(told, manifest, rights.isOpen, reporting.log);
      ran(found, record.key);
      const { scope } = connection;
      const phases = { read, ...launched.phases, import: performance.now() - imported };
      return { ...record, state: 'loaded', scope, connection, statics, phases };
    } catch (error) {
      // Code may have registered something while it was loading.
      await connection.scope.dispose().catch(() => {});
      await connection.terminate();
      throw error;
    }
  }

  /** Forgets what was read and shared of a package, so that its next guest is a fresh one. */
  forget(found: PluginPackage): void {
    this.#parts.bundles.forget(found);
    this.#parts.launcher.forget(found);
  }

  async #launch(record: ResolvedPlugin, source: CodeInUse | undefined): Promise<Launched> {
    const { bundles, launcher, trust, owners, extending } = this.#parts;
    const { manifest, package: found } = record;
    const began = performance.now();
    // Checked on each load: the trust in a package may have been withdrawn since it was read.
    if (source !== undefined) {
      await trust.admit(found, manifest, source.code);
      await extending.checkCode(found, manifest, source.code);
    }
    await owners.admit(found, manifest);
    const code =
      source === undefined
        ? NO_CODE
        : await bundles.prepare(record, source.code, launcher.isolationOf(record));
    const verified = performance.now();
    const guest = await launcher.launch(record);
    const phases = { verify: verified - began, spawn: performance.now() - verified };
    return { guest, code, phases };
  }
}
