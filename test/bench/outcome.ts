/** What a row answers: figures by key, each with the rounds behind it, or the reason why there is none. */
import { medianOf, ratios } from './statistics.ts';

/** A measured figure. */
export interface Figure {
  readonly value: number;
  /** The same figure of each round. */
  readonly rounds?: readonly number[];
  /** What the ratio is made of, for people. */
  readonly detail?: string;
}

/** A figure that can't be had here, and why. */
export interface Missing {
  readonly missing: string;
}

export type Outcome = Figure | Missing;

/** Outcomes by the key of their goal. */
export type Outcomes = Readonly<Record<string, Outcome>>;

/** The median of the rounds' ratios, and both medians in words. */
export function ratioFigure(plinth: readonly number[], raw: readonly number[], show: (value: number) => string): Figure {
  const rounds = ratios(plinth, raw);
  return { value: medianOf(rounds), rounds, detail: `${show(medianOf(plinth))} to ${show(medianOf(raw))}` };
}

/** Three significant digits are enough for any figure here. */
export const milliseconds = (value: number) => `${Number(value.toPrecision(3))} ms`;
export const thousandsPerSecond = (value: number) => `${Math.round(value / 1_000)}k/s`;
export const megabytes = (value: number) => `${(value / 1_000_000).toFixed(2)} MB`;
