/** Texts of bundles, read and verified once for all guests that run at the same time, whichever tenant they belong to. */
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

/** Holds the text of a package as long as a guest of it runs. */
export class CodeCache {
  readonly #known = new Map<PluginPackage, Known>();

  /** Answers the text of a package, read by `read` when nobody uses it yet. */
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

  /** Has a package be read anew by whoever takes it next. */
  forget(found: PluginPackage): void {
    this.#known.delete(found);
  }
}
