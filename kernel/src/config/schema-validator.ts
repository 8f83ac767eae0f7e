/** Checks settings with a plugin's JSON Schema, without generating code. Loaded when the first schema is there. */
import { type OutputUnit, Validator } from '@cfworker/json-schema';
import { didYouMean, type Issue } from '@plinth/sdk/contract';
import { guardSchema } from './schema-guard.js';

/** Finds every problem of settings; none when they fit. */
export type SettingsValidator = (settings: Readonly<Record<string, unknown>>) => readonly Issue[];

const MAX_ISSUES = 50;
const MAX_MESSAGE = 200;

/**
 * Makes the validator of a plugin's schema.
 *
 * @throws PluginManifestError `manifest/invalid` when the schema is none, or more than a schema should be.
 */
export function validatorOf(schema: object, plugin: string): SettingsValidator {
  guardSchema(schema, plugin);
  // The library writes into the schema, and stops at the first problem unless it is told not to.
  const draft = /draft-07/.test(String((schema as { $schema?: unknown }).$schema)) ? '7' : '2020-12';
  const validator = new Validator(structuredClone(schema), draft, false);
  const known = Object.keys((schema as { properties?: object }).properties ?? {});
  return (settings) => {
    const { errors } = validator.validate(settings);
    return leaves(errors)
      .slice(0, MAX_ISSUES)
      .map((unit) => toIssue(unit, known));
  };
}

/** A schema's part reports what its parts report: only those that say what is wrong are of use. */
function leaves(errors: readonly OutputUnit[]): readonly OutputUnit[] {
  const below = (inner: string, outer: string) => inner.startsWith(`${outer}/`);
  const deeper = (one: OutputUnit) =>
    errors.some(({ keywordLocation, instanceLocation }) =>
      instanceLocation === one.instanceLocation
        ? below(keywordLocation, one.keywordLocation)
        : below(instanceLocation, one.instanceLocation) && (one.keyword === 'additionalProperties' || keywordLocation.startsWith(one.keywordLocation)),
    );
  return errors.filter((one) => one.keyword === 'anyOf' || one.keyword === 'oneOf' || (!inBranch(one) && !deeper(one)));
}

const inBranch = ({ keywordLocation }: OutputUnit) => /\/(anyOf|oneOf)\/\d+\//.test(keywordLocation);

function toIssue({ instanceLocation, keyword, error }: OutputUnit, known: readonly string[]): Issue {
  const path = instanceLocation
    .replace(/^#\/?/, '')
    .split('/')
    .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.');
  if (keyword === 'false' || keyword === 'additionalProperties') return { path, message: `unknown key${didYouMean(path, known, [])}` };
  return { path, message: error.length > MAX_MESSAGE ? `${error.slice(0, MAX_MESSAGE)}…` : error };
}
