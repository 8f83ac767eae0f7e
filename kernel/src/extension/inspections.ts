/** What extensions tell of themselves: their health, and plain data. */
import { createError, messageOf, type PluginError } from '@plinth/sdk/contract';
import { inTime } from '../in-time.js';
import type { ExtensionDiagnostics } from './extending.js';
import type { ExtensionHealth, Inspection } from './port.js';
import { type AnyExtension, isBuiltIn } from './statics.js';

/** What inspections need of the kernel. */
export interface InspectionParts {
  /** `hook`: milliseconds for an answer. */
  readonly base: { readonly limits: { readonly hook: number } };
  report(extension: string, what: string, error: unknown): void;
}

/** Owns the inspections of a tenant's extensions. */
export class Inspections {
  readonly #parts: InspectionParts;
  readonly #all: { readonly extension: string; readonly parts: Inspection }[] = [];
  #asked: Promise<ExtensionHealth> | undefined;

  constructor(parts: InspectionParts) {
    this.#parts = parts;
  }

  add(extension: string, parts: Inspection): void {
    this.#all.push({ extension, parts });
  }

  /** Problems by severity. An extension that doesn't answer in time is unhealthy. */
  async health(): Promise<{
    readonly unhealthy: readonly PluginError[];
    readonly degraded: readonly PluginError[];
  }> {
    const unhealthy: PluginError[] = [];
    const degraded: PluginError[] = [];
    const ask = async (extension: string, health: () => unknown) => {
      const wrong = (what: string) =>
        createError('extension/failed', `the extension '${extension}' is ${what}`, {
          details: { extension },
        });
      try {
        const status = await within(this.#parts.base.limits.hook, health);
        if (status === 'degraded') degraded.push(wrong('degraded'));
        else if (status !== 'healthy') unhealthy.push(wrong('unhealthy'));
      } catch (error) {
        unhealthy.push(wrong(`unhealthy: ${messageOf(error)}`));
      }
    };
    await Promise.all(
      this.#all.map(({ extension, parts }) =>
        parts.health === undefined ? undefined : ask(extension, () => parts.health?.()),
      ),
    );
    return { unhealthy, degraded };
  }

  /** The worst that extensions report. Those that ask at the same time share one answer. */
  worst(): Promise<ExtensionHealth> {
    this.#asked ??= this.health()
      .then(({ unhealthy, degraded }) =>
        unhealthy.length > 0 ? 'unhealthy' : degraded.length > 0 ? 'degraded' : 'healthy',
      )
      .finally(() => {
        this.#asked = undefined;
      });
    return this.#asked;
  }

  /** Plain data about each extension. */
  diagnostics(all: readonly AnyExtension[]): ExtensionDiagnostics {
    return {
      extensions: this.#told(all.filter((one) => !isBuiltIn(one))),
      builtIns: this.#told(all.filter(isBuiltIn)),
    };
  }

  #told(all: readonly AnyExtension[]): readonly Readonly<Record<string, unknown>>[] {
    return all.map(({ statics: { name, uses, requires = [], features = [] } }) => {
      const told = this.#all
        .filter(({ extension, parts }) => extension === name && parts.diagnostics !== undefined)
        .map(({ extension, parts }) => {
          try {
            // What is no JSON, like a circle, must not keep the rest from being told.
            const state = JSON.stringify(parts.diagnostics?.(), plain);
            return state === undefined ? undefined : (JSON.parse(state) as unknown);
          } catch (error) {
            this.#parts.report(extension, 'could not tell of itself', error);
            return undefined;
          }
        });
      return {
        name,
        uses: [...uses],
        requires: requires.map(({ statics }) => statics.name),
        features: [...features],
        ...(told.length > 0 && { state: told.length === 1 ? told[0] : told }),
      };
    });
  }
}

/** JSON has no large integers. */
const plain = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;

/** Bounds the time of an extension's task. A synchronous throw becomes a rejection. */
export function within(milliseconds: number, task: () => unknown): Promise<unknown> {
  return inTime(
    Promise.resolve().then(task),
    milliseconds,
    `it did not end within ${milliseconds} ms`,
  );
}
