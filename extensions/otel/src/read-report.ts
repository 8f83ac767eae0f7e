/** Reads a plugin's report. Nothing of it is trusted: each part has a form and a bound. */
import { createError } from '@plinth/sdk/contract';
import {
  type Attributes,
  type MetricReport,
  MOST,
  NAME,
  type Report,
  type SpanReport,
  type Value,
} from './contract.js';

/** The longest time that a span may say, in milliseconds. */
const DAY = 86_400_000;

/** @throws PluginValidationError `call/invalid-input` that names the part. */
export function readReport(value: unknown, plugin: string): Required<Report> {
  const wrong: Wrong = (part, what) => {
    throw createError(
      'call/invalid-input',
      `the telemetry of ${plugin} is not valid: '${part}' ${what}`,
      { plugin, details: { part } },
    );
  };
  const { spans, metrics } = fields(value, 'report', wrong);
  let points = 0;
  return {
    spans: list(spans, MOST.spans, 'spans', wrong).map((span, index) =>
      readSpan(span, index, `spans[${index}]`, wrong),
    ),
    metrics: list(metrics, MOST.metrics, 'metrics', wrong).map((metric, index) => {
      const read = readMetric(metric, MOST.points - points, `metrics[${index}]`, wrong);
      points += read.points.length;
      return read;
    }),
  };
}

type Wrong = (part: string, what: string) => never;

function readSpan(value: unknown, index: number, part: string, wrong: Wrong): SpanReport {
  const { name, within, traceparent, ago, took, attributes, error } = fields(value, part, wrong);
  if (within !== undefined && !(isPlace(within) && within < index))
    wrong(`${part}.within`, 'is not the place of an earlier span');
  return {
    name: text(name, MOST.name, `${part}.name`, wrong),
    ...(within !== undefined && { within: within as number }),
    ...(traceparent !== undefined && {
      traceparent: text(traceparent, MOST.name, `${part}.traceparent`, wrong),
    }),
    ago: time(ago, `${part}.ago`, wrong),
    took: time(took, `${part}.took`, wrong),
    attributes: readAttributes(attributes, `${part}.attributes`, wrong),
    ...(error !== undefined && { error: text(error, MOST.name, `${part}.error`, wrong) }),
  };
}

const isPlace = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0;

function readMetric(value: unknown, most: number, part: string, wrong: Wrong): MetricReport {
  const { kind, name, unit, points } = fields(value, part, wrong);
  if (kind !== 'counter' && kind !== 'histogram') wrong(`${part}.kind`, 'is no kind of a metric');
  return {
    kind: kind as MetricReport['kind'],
    name: named(text(name, MOST.name, `${part}.name`, wrong), `${part}.name`, wrong),
    ...(unit !== undefined && { unit: text(unit, MOST.name, `${part}.unit`, wrong) }),
    points: list(points, most, `${part}.points`, wrong).map((point, index) => {
      const at = `${part}.points[${index}]`;
      const { value, attributes } = fields(point, at, wrong);
      if (typeof value !== 'number' || !Number.isFinite(value) || (kind === 'counter' && value < 0))
        wrong(`${at}.value`, 'is not a number that a metric takes');
      return {
        value: value as number,
        attributes: readAttributes(attributes, `${at}.attributes`, wrong),
      };
    }),
  };
}

function readAttributes(value: unknown, part: string, wrong: Wrong): Attributes {
  if (value === undefined) return {};
  const entries = Object.entries(fields(value, part, wrong));
  if (entries.length > MOST.attributes) wrong(part, `has more than ${MOST.attributes} members`);
  const read: Record<string, Value> = {};
  for (const [name, one] of entries) {
    named(text(name, MOST.name, part, wrong), part, wrong);
    if (typeof one === 'string') text(one, MOST.text, `${part}.${name}`, wrong, true);
    else if (typeof one !== 'boolean' && !(typeof one === 'number' && Number.isFinite(one)))
      wrong(`${part}.${name}`, 'is not a text, a number or a boolean');
    read[name] = one as Value;
  }
  return read;
}

function fields(value: unknown, part: string, wrong: Wrong): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    wrong(part, 'is not an object');
  return value as Readonly<Record<string, unknown>>;
}

function list(value: unknown, most: number, part: string, wrong: Wrong): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > most) wrong(part, `is not a list of at most ${most}`);
  return value as readonly unknown[];
}

function text(value: unknown, most: number, part: string, wrong: Wrong, empty = false): string {
  if (typeof value !== 'string' || value.length > most || (value === '' && !empty))
    wrong(part, `is not a text of at most ${most} characters`);
  return value as string;
}

function named(name: string, part: string, wrong: Wrong): string {
  if (!NAME.test(name))
    wrong(part, "has a name with other characters than letters, digits, '.', '-'");
  return name;
}

function time(value: unknown, part: string, wrong: Wrong): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= DAY))
    wrong(part, 'is not a number of milliseconds up to a day');
  return value as number;
}
