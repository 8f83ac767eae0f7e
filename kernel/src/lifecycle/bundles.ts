/** Reads the code of plugins, and prepares it for the guest that evaluates it. */
import {
  createError,
  type Isolation,
  type Manifest,
  messageOf,
  sha256,
} from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import { inTime } from '../in-time.js';
import type { Limits } from '../limits.js';
import type { ResolvedPlugin } from '../plugin/record.js';
import type { CodeCache, CodeInUse } from './code-cache.js';

/** What is needed of a record to find its code. */
export type Coded = Pick<ResolvedPlugin, 'manifest' | 'package' | 'origin'>;

/** The code that a guest evaluates. */
export interface GuestCode {
  readonly text: string;
  /** Lines in front of the bundle's first line. */
  readonly offset: number;
  /** Milliseconds that the guest may take to convert it, beside its time to load. */
  readonly conversion: number;
}

/** Lines that a function wrapper puts before the bundle's first line. */
const FUNCTOR_LINES = 1;
/** Characters that a guest converts in a millisecond at the least, beside many others. */
const CONVERTED = 500;

/** Owns what was read of the packages of a kernel. */
export class Bundles {
  readonly #cache: CodeCache;
  readonly #limits: Limits;
  readonly #defer: (task: () => void) => void;

  /** @param defer runs a task after the event loop has had a turn. */
  constructor(cache: CodeCache, limits: Limits, defer: (task: () => void) => void) {
    this.#cache = cache;
    this.#limits = limits;
    this.#defer = defer;
  }

  /** The text of a bundle, kept until the caller releases it. */
  take(record: Coded): Promise<CodeInUse> {
    return this.#cache.take(record.package, () => this.read(record));
  }

  /** Forgets what was read of a package, so that it is read again. */
  forget(found: PluginPackage): void {
    this.#cache.forget(found);
  }

  /** @throws PluginLifecycleError `plugin/load-failed`, PluginSignatureError `plugin/digest-mismatch`. */
  async read(record: Coded): Promise<string> {
    const limits = this.#limits;
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

  /**
   * The code for a guest of an isolation. A guest behind a wall has no modules: it makes a function
   * of the bundle itself, and refuses imports by that.
   *
   * @throws PluginLifecycleError `plugin/load-failed`.
   */
  async prepare(record: ResolvedPlugin, code: string, isolation: Isolation): Promise<GuestCode> {
    if (isolation === 'process' || isolation === 'sandbox')
      return { text: code, offset: FUNCTOR_LINES, conversion: code.length / CONVERTED };
    await refuseBuiltins(record, code, () => new Promise((resolve) => this.#defer(resolve)));
    return { text: code, offset: 0, conversion: 0 };
  }
}

/** Largest bundle, in characters, checked for imports here. Guests that can refuse them do. */
const MAX_SEARCHED = 262_144;

/** Plugins behave alike in every runtime, so none may import a runtime's built-in modules. */
async function refuseBuiltins(
  { manifest, ...record }: ResolvedPlugin,
  code: string,
  pause: () => Promise<void>,
): Promise<void> {
  if (
    code.length > MAX_SEARCHED ||
    !/\b(?:from|import)\s{0,8}\(?\s{0,8}["'](?:node|bun|deno):/.test(code)
  )
    return;
  const { builtinImport } = await import('@plinth/sdk/pack');
  const name = await builtinImport(code, pause);
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

/** Where a bundle is: in the folder that the origin names, or in the folder of its manifest. */
function fileOf({ origin, manifest }: Pick<Coded, 'manifest' | 'origin'>): string {
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
