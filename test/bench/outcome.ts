/**
 * The outcome of a row: figures by key, each with its rounds, or the reason why a figure is
 * missing.
 */
import { medianOf, ratios } from './statistics.ts';

/** A measured figure. */
export interface Figure {
  readonly value: number;
  /** The same figure of each round. */
  readonly rounds?: readonly number[];
  /** What the ratio consists of, for people. */
  readonly detail?: string;
}

/** A figure that can't be measured here, and why. */
export interface Missing {
  readonly missing: string;
}

export type Outcome = Figure | Missing;

/** Outcomes by the key of their goal. */
export type Outcomes = Readonly<Record<string, Outcome>>;

/** The median of the rounds' ratios, and both medians in words. */
export function ratioFigure(
  plinth: readonly number[],
  raw: readonly number[],
  show: (value: number) => string,
): Figure {
  const rounds = ratios(plinth, raw);
  return {
    value: medianOf(rounds),
    rounds,
    detail: `${show(medianOf(plinth))} to ${show(medianOf(raw))}`,
  };
}

/** Three significant digits are enough for every figure here. */
export const milliseconds = (value: number) => `${Number(value.toPrecision(3))} ms`;
export const thousandsPerSecond = (value: number) => `${Math.round(value / 1_000)}k/s`;
export const megabytes = (value: number) => `${(value / 1_000_000).toFixed(2)} MB`;
