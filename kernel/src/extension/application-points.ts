/**
 * Points of `contributes` that the application opens with JSON Schemas: `createKernel({
 * contributions })`.
 */
import { createError, messageOf } from '@plinth/sdk/contract';
import type { JsonSchema } from '../schema/schema-guard.js';
import {
  type ContributionOptions,
  type ContributionPoints,
  contributionError,
} from './contributions.js';

/** @throws PluginConfigurationError `kernel/invalid-option` for what is no JSON Schema. */
export async function checkPoints(options: ContributionOptions = {}): Promise<void> {
  for (const [point, schema] of Object.entries(options)) {
    checkSchema(point, schema);
    if (schema === true) continue;
    const { validatorOf } = await import('../config/schema-validator.js');
    try {
      validatorOf(schema as JsonSchema, 'the application', point);
    } catch (cause) {
      throw createError(
        'kernel/invalid-option',
        `'contributions.${point}' is no JSON Schema: ${messageOf(cause)}`,
        { details: { option: `contributions.${point}` }, cause },
      );
    }
  }
}

/**
 * Opens the application's points. Their schemas are read by `load`, before manifests are.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function openPoints(
  points: ContributionPoints,
  options: ContributionOptions = {},
): { load(): Promise<void> } {
  const validators = new Map<string, (value: unknown) => readonly Problem[]>();
  for (const [point, schema] of Object.entries(options)) {
    checkSchema(point, schema);
    points.open(point, 'the application', (value, manifest) => {
      const problems = validators.get(point)?.(value) ?? [];
      if (problems.length > 0) throw contributionError(manifest, point, problems);
      return value;
    });
  }
  return {
    async load() {
      const schemas = Object.entries(options).filter(([, schema]) => schema !== true);
      if (schemas.length === 0 || validators.size > 0) return;
      const { validatorOf } = await import('../config/schema-validator.js');
      for (const [point, schema] of schemas)
        validators.set(point, validatorOf(schema as JsonSchema, 'the application', point));
    },
  };
}

function checkSchema(point: string, schema: unknown): void {
  if (schema !== true && (typeof schema !== 'object' || schema === null))
    throw createError(
      'kernel/invalid-option',
      `'contributions.${point}' must be a JSON Schema, or true for any value`,
      { details: { option: `contributions.${point}` } },
    );
}

interface Problem {
  readonly path: string;
  readonly message: string;
}
