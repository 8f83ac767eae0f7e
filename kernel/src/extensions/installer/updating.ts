/** Replaces a version by a later one for good. The version before stays ready to come back. */
import { compareVersions, createError, messageOf } from '@plinth/sdk/contract';
import type { PluginPackage, PluginSource } from '../../host.js';
import type { Members } from '../../lifecycle/members.js';
import type { Limits } from '../../limits.js';
import type { Growth } from '../../permissions/growth.js';
import type { PluginRecord, ValidatedPlugin } from '../../plugin/record.js';
import type { Announce } from '../../reporting.js';
import type { Canaries } from './canary/canaries.js';
import { type Consent, isWithin } from './consent.js';
import type { Entries } from './entries.js';
import { withUpdated } from './entry-changes.js';
import { type Handover, undone } from './handover.js';
import type { Incoming } from './incoming.js';
import type { UpdateOptions } from './installer-options.js';
import type { KeptPackages } from './kept-packages.js';
import { type References, versionedManifest } from './references.js';
import type { Reserve } from './reserve.js';
import type { Routing } from './routing.js';
import type { Switching } from './switching.js';
import type { Trials } from './trials.js';

/** What this module needs from the kernel. */
export interface UpdatingParts {
  readonly members: Pick<Members, 'checkFree'>;
  readonly limits: Pick<Limits, 'trial'>;
  /** How updates are made that don't say it. */
  readonly policy: { readonly updates?: Pick<UpdateOptions, 'state'> };
  readonly announce: Announce;
  readonly incoming: Pick<Incoming, 'take'>;
  readonly entries: Pick<Entries, 'run' | 'change' | 'needless'>;
  readonly references: Pick<References, 'require' | 'meantBy'>;
  readonly consent: Pick<Consent, 'ask' | 'growth'>;
  readonly handover: Pick<Handover, 'take' | 'check'>;
  readonly canaries: Pick<Canaries, 'start'>;
  readonly packages: Pick<KeptPackages, 'during' | 'arriving' | 'keepReady' | 'forgetReady'>;
  readonly reserve: Pick<Reserve, 'keep'>;
  readonly switching: Pick<Switching, 'replace' | 'backTo'>;
  readonly trials: Pick<Trials, 'begin' | 'end'>;
  readonly routing: Pick<Routing, 'changed'>;
}

/** Owns the order of an update: consent, owner, package, plugin, entry. Undone in reverse. */
export class Updating {
  readonly #parts: UpdatingParts;

  constructor(parts: UpdatingParts) {
    this.#parts = parts;
  }

  /**
   * Replaces a plugin by a later version of it. The version before stays ready. It comes back on
   * request, or automatically when the new one fails its trial.
   */
  async update(
    reference: string,
    found: PluginPackage | PluginSource,
    {
      consent = false,
      owner,
      canary,
      state = this.#parts.policy.updates?.state ?? 'required',
    }: UpdateOptions = {},
    by?: string,
  ): Promise<void> {
    if (!STATES.includes(state))
      throw createError(
        'kernel/invalid-option',
        `'state' must be one of ${STATES.join(', ')}, not ${messageOf(state)}`,
        { details: { option: 'state' } },
      );
    const { incoming, entries, references, consent: asking, handover, canaries } = this.#parts;
    const taken = incoming.take(found);
    const next = taken instanceof Promise ? await taken : taken;
    const { id } = next;
    let agreed: Growth | undefined;
    const tryOnce = () =>
      entries.run(id, async () => {
        checkSame(references.require(reference), id);
        // Another version may have replaced the compared one. Consent is then requested again.
        const growth = consent ? undefined : asking.growth(references.require(reference), next);
        if (growth !== undefined && !isWithin(growth, agreed)) return false;
        if (canary !== undefined) {
          await handover.check(next);
          const old = references.require(reference);
          checkLater(next, versionedManifest(old).version);
          await canaries.start(old, next, canary, { state, by });
          return true;
        }
        const back = await handover.take(next, owner);
        await this.#update(references.require(reference), next, state === 'optional', by).catch(
          (error: unknown) => undone(back, error),
        );
        return true;
      });
    // An update that gains nothing keeps its turn. A person may take any time for an answer.
    while (!(await tryOnce())) agreed = await asking.ask(references.require(reference), next);
  }

  async #update(
    old: PluginRecord,
    next: ValidatedPlugin,
    stateless: boolean,
    by: string | undefined,
  ): Promise<void> {
    const { members, announce, packages, reserve, switching, trials, routing } = this.#parts;
    const { id, version } = next;
    const from = versionedManifest(old).version;
    checkLater(next, from);
    members.checkFree(next);
    await packages.during(next, async () => {
      const how = stateless ? 'without its state if need be' : undefined;
      const key = await switching.replace(old, next, how);
      const ready = await packages.keepReady(old);
      try {
        await this.#remember(old, from, next, ready);
      } catch (error) {
        await switching.backTo(old, key);
        await packages.forgetReady(id, ready);
        throw error;
      }
      reserve.keep(old.key, old.package);
      routing.changed(id);
      announce('plugin:updated', { id, version, from, ...(by !== undefined && { by }) });
      trials.end(old.key);
      trials.begin(key);
    });
  }

  async #remember(
    old: PluginRecord,
    from: string,
    next: ValidatedPlugin,
    ready: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { limits, entries, references, packages } = this.#parts;
    const { id } = next;
    const replaced = references.meantBy(old);
    await entries.change(id, (entry) =>
      withUpdated(entry, {
        next: packages.arriving(next),
        from,
        origin: old.origin,
        replaced,
        ready,
        needless: entries.needless(id, entry, [from]),
        onTrial: limits.trial !== 0,
      }),
    );
  }
}

const STATES: readonly unknown[] = ['required', 'optional'];

function checkSame(before: PluginRecord, id: string): void {
  if (id === before.id) return;
  throw createError(
    'plugin/illegal-transition',
    `cannot update ${before.id} with a package of ${id}`,
    { plugin: before.id, details: { other: id } },
  );
}

function checkLater({ id, version }: ValidatedPlugin, from: string): void {
  if (compareVersions(version, from) > 0) return;
  throw createError(
    'plugin/downgrade',
    `cannot update ${id} to ${version}: ${from} is there, which is not older; roll back, or install both`,
    {
      plugin: id,
      details: { version, installed: from },
    },
  );
}
