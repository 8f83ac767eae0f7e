/** Takes what plugins measure (`ctx.metrics`). Their guests may send anything. */
import { messageOf } from '@plinth/sdk/contract';
import { sizeOf } from '@plinth/sdk/rpc';
import type { Log } from '../../telemetry/logger.js';
import type { Redaction } from '../../telemetry/redaction.js';
import type { InstrumentKind, Instruments, Labels } from './instruments.js';

/** The most bytes of one message, and the most measurements in it. */
const MAX_BYTES = 65_536;
const MAX_MEASUREMENTS = 1_024;
/** A measurement is its kind, name, value and labels. */
const SLOTS = 4;
const KINDS: readonly InstrumentKind[] = ['counter', 'gauge', 'histogram'];
/** The most problems of one plugin that are logged. */
const MAX_TOLD = 10;

/** Owns how often the measurements of each plugin were refused. */
export class Measurements {
  readonly #instruments: Instruments;
  readonly #log: Log;
  readonly #redaction: Redaction;
  readonly #refused = new Map<string, number>();

  constructor(instruments: Instruments, log: Log, redaction: Redaction) {
    this.#instruments = instruments;
    this.#log = log;
    this.#redaction = redaction;
  }

  take(plugin: string, measured: unknown): void {
    if (!Array.isArray(measured) || measured.length > MAX_MEASUREMENTS * SLOTS)
      return this.#refuse(plugin, 'it sent what is no list of measurements');
    if (sizeOf(measured) > MAX_BYTES)
      return this.#refuse(plugin, `it sent more than ${MAX_BYTES} bytes at once`);
    // A label with a secret would be in every output of metrics.
    const clean: readonly unknown[] = this.#redaction.value(measured);
    for (let at = 0; at + SLOTS <= clean.length; at += SLOTS) {
      const [kind, name, value, labels] = clean.slice(at, at + SLOTS);
      try {
        this.#instruments.record(
          plugin,
          KINDS[kind as number] ?? 'counter',
          name as string,
          value as number,
          labels as Labels | undefined,
        );
      } catch (error) {
        this.#refuse(plugin, messageOf(error));
      }
    }
  }

  #refuse(plugin: string, why: string): void {
    const count = (this.#refused.get(plugin) ?? 0) + 1;
    this.#refused.set(plugin, count);
    if (count <= MAX_TOLD)
      this.#log.write('kernel', 'warn', `metrics of ${plugin} are refused: ${why}`, { plugin });
  }
}
