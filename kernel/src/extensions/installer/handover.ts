/** Gives an id to another owner together with a package: with consent by name, and undoable. */
import type { Bundles } from '../../lifecycle/bundles.js';
import type { Members } from '../../lifecycle/members.js';
import type { Trusting } from '../../lifecycle/trusting.js';
import type { ValidatedPlugin } from '../../plugin/record.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import type { Announce } from '../../reporting.js';
import type { AskConsent } from './consent.js';
import { foreign, type Owners } from './owners.js';

/** What this module needs from the kernel. */
export interface HandoverParts {
  readonly registry: Pick<PluginRegistry, 'versions'>;
  readonly members: Pick<Members, 'validate'>;
  readonly bundles: Pick<Bundles, 'read'>;
  readonly trust: Pick<Trusting, 'identify' | 'admit'>;
  readonly owners: Pick<Owners, 'handOf' | 'of' | 'set'>;
  readonly announce: Announce;
  readonly consent: AskConsent;
}

/** Gives an id back to the owner that it had. */
export type GiveBack = () => Promise<void>;

/** Owns nothing: the owners of ids are those of {@link Owners}. */
export class Handover {
  readonly #parts: HandoverParts;

  constructor(parts: HandoverParts) {
    this.#parts = parts;
  }

  /**
   * Lets a package take an id from another owner, with consent by name. Answers the undo.
   *
   * @throws PluginPermissionError `permission/consent-required`.
   */
  async take(next: ValidatedPlugin, named: string | undefined): Promise<GiveBack> {
    const { id, package: found } = next;
    const { owners, trust, bundles, announce } = this.#parts;
    const change = await this.#change(next);
    if (change === undefined) return async () => {};
    const { from, to } = change;
    // A package that may not run at all needs no consent.
    if (found.exported === undefined)
      await trust.admit(found, next.manifest, await bundles.read(next));
    if (named !== to) await this.#ask(next, from, to);
    await owners.set(id, to);
    announce('plugin:transferred', { id, from, to });
    return async () => {
      await owners.set(id, from);
      announce('plugin:transferred', { id, from: to, to: from });
    };
  }

  /**
   * Checks that a package belongs to the owner of its id.
   *
   * @throws PluginPermissionError `permission/consent-required`.
   */
  async check(next: ValidatedPlugin): Promise<void> {
    const change = await this.#change(next);
    if (change !== undefined) throw foreign(next.id, next.version, change.from, change.to);
  }

  /** The owner of an id, and that of a package, where they differ. */
  async #change(
    next: ValidatedPlugin,
  ): Promise<{ readonly from: string; readonly to: string } | undefined> {
    const { id, package: found } = next;
    const { registry, owners, trust, bundles } = this.#parts;
    await trust.identify(found, next.manifest, () => bundles.read(next));
    const hand = owners.handOf(found);
    const there = registry
      .versions(id)
      .flatMap((record) => owners.handOf(record.package)?.name ?? [])[0];
    const from = (await owners.of(id).catch(() => undefined)) ?? there;
    if (hand === undefined || from === undefined || from === hand.name || from === hand.origin)
      return undefined;
    return { from, to: hand.name };
  }

  async #ask({ id, version }: ValidatedPlugin, from: string, to: string): Promise<void> {
    let cause: unknown;
    const question = { plugin: id, version, permissions: {}, owner: { from, to } };
    const agreed = await this.#parts.consent(question).catch((error: unknown) => {
      cause = error;
      return false;
    });
    if (!agreed)
      throw Object.assign(foreign(id, version, from, to), cause !== undefined && { cause });
  }

  /** Rolls a change of owner back with its update: the version returns to its owner. */
  async giveBack({ id, manifest, package: found }: ValidatedPlugin): Promise<GiveBack> {
    const { owners, trust, bundles, members, announce } = this.#parts;
    await trust.identify(found, manifest, async () => bundles.read(members.validate(found)));
    const hand = owners.handOf(found);
    const from = await owners.of(id).catch(() => undefined);
    if (hand === undefined || from === undefined || from === hand.name) return async () => {};
    await owners.set(id, hand.name);
    announce('plugin:transferred', { id, from, to: hand.name });
    return () => owners.set(id, from);
  }
}

/** Withdraws a consent after the operation that it was for has failed. */
export async function undone(back: GiveBack, error: unknown): Promise<never> {
  await back().catch(() => {});
  throw error;
}
