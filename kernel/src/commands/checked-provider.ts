/**
 * Commands whose manifest has schemas. The kernel checks their input and output, also for calls by
 * id alone.
 */
import {
  createError,
  describeIssues,
  type Issue,
  isStreamSource,
  type Manifest,
} from '@plinth/sdk/contract';
import type { KernelCall } from '../calls/kernel-call.js';
import type { Provider } from '../calls/provider.js';
import type { ValueValidator } from '../config/schema-validator.js';
import type { Metrics } from '../telemetry/metrics.js';

type Contributed = NonNullable<Manifest['contributes']['commands']>[number];

interface Checks {
  readonly input: ValueValidator | undefined;
  readonly output: ValueValidator | undefined;
}

/**
 * The checks of each contributed command. They are loaded with its first call and kept as long as
 * its manifest.
 */
const loading = new WeakMap<Contributed, Promise<Checks>>();
const loaded = new WeakMap<Contributed, Checks>();
/**
 * How a call parsed its answer before the check was added. A call that moves to another provider is
 * checked by that one alone.
 */
const parsers = new WeakMap<object, KernelCall['parse']>();

/** What a manifest says about a command, when it has a schema for it. */
export function schemasOf({ id, contributes }: Manifest, name: string): Contributed | undefined {
  const found = contributes.commands?.find((command) => `${id}:${command.id}` === name);
  return found?.input === undefined && found?.output === undefined ? undefined : found;
}

/**
 * A provider that checks its calls. An input that doesn't fit is refused with `call/invalid-input`
 * before it reaches the provider. An answer that doesn't fit is refused with `call/invalid-output`
 * before it reaches the caller. The contents of streams are not checked.
 */
export function checkedProvider(
  manifest: Manifest,
  command: Contributed,
  provider: Provider,
  metrics: Metrics,
): Provider {
  const id = `${manifest.id}:${command.id}`;
  const check = (side: 'caller' | 'provider', validate: ValueValidator, value: unknown) => {
    metrics.validations += 1;
    const issues = isStreamSource(value) ? [] : validate(value);
    if (issues.length > 0) throw unfit(manifest.id, id, side, issues);
  };
  const go = ({ input: forInput, output: forOutput }: Checks, call: KernelCall, input: unknown) => {
    try {
      if (forInput !== undefined) check('caller', forInput, input);
    } catch (error) {
      call.settle(false, error);
      return;
    }
    if (forOutput !== undefined) {
      const parse =
        call.parse !== undefined && parsers.has(call.parse) ? parsers.get(call.parse) : call.parse;
      call.parse = (value, by) => {
        check('provider', forOutput, value);
        return parse === undefined ? value : parse(value, by);
      };
      parsers.set(call.parse, parse);
    }
    provider(call, input);
  };
  return (call, input) => {
    const checks = loaded.get(command);
    if (checks !== undefined) return go(checks, call, input);
    load(manifest, command).then(
      (ready) => {
        if (!call.over) go(ready, call, input);
      },
      (error: unknown) => call.settle(false, error),
    );
  };
}

function load({ id, contributes }: Manifest, command: Contributed): Promise<Checks> {
  const known = loading.get(command);
  if (known !== undefined) return known;
  const at = `contributes.commands.${contributes.commands?.indexOf(command)}`;
  const checks = import('../config/schema-validator.js').then(({ validatorOf }) => {
    const validator = (side: 'input' | 'output') =>
      command[side] === undefined ? undefined : validatorOf(command[side], id, `${at}.${side}`);
    const made = { input: validator('input'), output: validator('output') };
    // Set before any waiting call continues, so that later calls don't overtake those that wait.
    loaded.set(command, made);
    return made;
  });
  loading.set(command, checks);
  return checks;
}

function unfit(
  plugin: string,
  command: string,
  side: 'caller' | 'provider',
  issues: readonly Issue[],
): Error {
  const [code, what] =
    side === 'caller'
      ? (['call/invalid-input', 'input'] as const)
      : (['call/invalid-output', 'output'] as const);
  return createError(
    code,
    `the ${what} of ${command} doesn't fit the manifest, the ${side} is at fault: ${describeIssues(issues)}`,
    {
      plugin,
      details: { command, side, issues },
    },
  );
}
