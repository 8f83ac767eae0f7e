/**
 * Texts of bundles. Each is read and verified once for all guests that run at the same time, in any
 * tenant.
 */
import type { PluginPackage } from '../host.js';

interface Known {
  readonly code: Promise<string>;
  users: number;
}

/** A bundle that is in use until {@link release}. */
export interface CodeInUse {
  readonly code: string;
  release(): void;
}

/** Holds the text of a package while a guest of it runs. */
export class CodeCache {
  readonly #known = new Map<PluginPackage, Known>();

  /** Answers the text of a package. Calls `read` when no guest uses it yet. */
  async take(found: PluginPackage, read: () => Promise<string>): Promise<CodeInUse> {
    const known = this.#known.get(found) ?? { code: read(), users: 0 };
    this.#known.set(found, known);
    known.users += 1;
    let used = true;
    const release = () => {
      if (!used) return;
      used = false;
      known.users -= 1;
      if (known.users === 0 && this.#known.get(found) === known) this.#known.delete(found);
    };
    try {
      return { code: await known.code, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Drops a package's text, so that the next guest reads it again. */
  forget(found: PluginPackage): void {
    this.#known.delete(found);
  }
}
