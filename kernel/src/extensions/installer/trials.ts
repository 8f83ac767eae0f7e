/** The trials of updated plugins. A version that fails its trial is rolled back. */
import { messageOf } from '@plinth/sdk/contract';
import type { Limits } from '../../limits.js';
import { idOf, versionIn } from '../../registry/key.js';
import type { Log } from '../../telemetry/logger.js';
import type { Entries } from './entries.js';
import { withoutTrial } from './entry-changes.js';
import { Trial, type TrialParts } from './trial.js';

/** What the trials need from the kernel. */
export interface TrialsParts extends TrialParts {
  readonly limits: Pick<Limits, 'hook' | 'trial'>;
  readonly log: Log;
  readonly entries: Pick<Entries, 'run' | 'change'>;
  /** Brings back the version that a plugin has replaced. */
  rollback(key: string, reason: string): Promise<void>;
}

/** Owns the trials, by key. */
export class Trials {
  readonly #parts: TrialsParts;
  readonly #trials = new Map<string, Trial>();

  constructor(parts: TrialsParts) {
    this.#parts = parts;
  }

  /** Begins a trial, where there are any. */
  begin(key: string): void {
    const { trial: length } = this.#parts.limits;
    if (length === 0) return;
    const { registry, bus, limits, redaction } = this.#parts;
    const trial = new Trial(
      key,
      length,
      { registry, bus, limits, redaction },
      (reason) => this.#failed(key, reason),
      () => this.#passed(key),
    );
    this.#trials.set(key, trial);
    // It may have crashed before its trial could begin.
    trial.look();
  }

  /** Ends the trial of a version, if it is on one, without a result. */
  end(key: string): void {
    this.#trials.get(key)?.close();
    this.#trials.delete(key);
  }

  endAll(): void {
    for (const key of [...this.#trials.keys()]) this.end(key);
  }

  #failed(key: string, reason: string): void {
    const { log, rollback } = this.#parts;
    const plugin = idOf(key);
    this.#trials.delete(key);
    log.write('kernel', 'error', `${key} is rolled back: ${reason}`, { plugin });
    rollback(key, reason).catch((error: unknown) => {
      log.write('kernel', 'error', `could not roll ${key} back: ${messageOf(error)}`, { plugin });
    });
  }

  #passed(key: string): void {
    const { entries } = this.#parts;
    this.#trials.delete(key);
    const id = idOf(key);
    entries
      .run(id, () => entries.change(id, (entry) => withoutTrial(entry, versionIn(key))))
      .catch(() => {});
  }
}
