/** Packages that are handed in: fixed as they are now, with their manifest read. */
import type { PluginPackage, PluginSource } from '../../host.js';
import type { Members } from '../../lifecycle/members.js';
import { packageFrom } from '../../lifecycle/take-packages.js';
import type { ValidatedPlugin } from '../../plugin/record.js';
import type { PackageSnapshots } from '../../sources/package-snapshots.js';

/** What this module needs from the kernel. */
export interface IncomingParts {
  readonly members: Pick<Members, 'validate'>;
  readonly snapshots: Pick<PackageSnapshots, 'take'>;
}

/** Owns nothing. */
export class Incoming {
  readonly #parts: IncomingParts;

  constructor(parts: IncomingParts) {
    this.#parts = parts;
  }

  /** @throws what is wrong with the package or its source. */
  async take(found: PluginPackage | PluginSource): Promise<ValidatedPlugin> {
    const { members, snapshots } = this.#parts;
    return members.validate(snapshots.take(await packageFrom(found)));
  }
}
