/** Checks of `CliCommands`. */
import type { Client } from '../contract/contract-types.js';
import type { InferInput } from '../contract/schema.js';
import { CliCommands } from '../contracts/cli-commands.js';
import {
  type Check,
  type Checks,
  checksOf,
  ensure,
  ensureDeclared,
  ensureSteady,
  ensureUnique,
  NO_SUCH,
} from './check.js';

type RunInput = InferInput<NonNullable<typeof CliCommands.run.input>>;

/** One run and its expected result. */
export interface CliRun {
  readonly name: string;
  readonly args?: readonly string[];
  readonly options?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** 0 when absent. */
  readonly exitCode?: number;
  /** The exact output, or a pattern in it. */
  readonly stdout?: string | RegExp;
}

/** Samples for the checks of `CliCommands`. */
export interface CliCommandsSamples {
  /** Runs to try, in this order. The checks of wrong usage start from their options. */
  readonly run?: readonly CliRun[];
}

/** `exitCode` of a command that was used wrongly. */
const WRONG_USE = 2;

/** The checks of one `CliCommands`. Each sample is run. */
export function cliCommandsChecks(
  client: Client<typeof CliCommands>,
  { run: samples = [] }: CliCommandsSamples,
): readonly Check[] {
  return checksOf(CliCommands, {
    ...list(client),
    ...names(client, samples),
    ...wrongUse(client, samples),
    ...expected(client, samples),
  });
}

/** Checks of `list()`. */
function list(client: Client<typeof CliCommands>): Checks {
  return {
    'list() names each command once, with a description': async () => {
      const commands = await client.list();
      ensure(commands.length > 0, 'no command is listed');
      ensureUnique(
        commands.map(({ name }) => name),
        'command',
      );
      for (const { name, description } of commands) {
        ensure(isName(name), `'${name}' can't be typed as a command`);
        ensure(description.trim() !== '', `command '${name}' has no description`);
      }
    },
    'list() names each option of a command once, without dashes': async () => {
      for (const { name, options } of await client.list()) {
        ensureUnique(
          options.map((option) => option.name),
          `'${name}': option`,
        );
        for (const option of options)
          ensure(
            isName(option.name),
            `'${name}': option '${option.name}' should be its name alone`,
          );
      }
    },
    'list() answers the same again': async () => {
      await ensureSteady(() => client.list(), 'list()');
    },
  };
}

/** Checks of the commands that `run()` knows. */
function names(client: Client<typeof CliCommands>, samples: readonly CliRun[]): Checks {
  return {
    "run() of an unknown command fails with 'unknownCommand'": async () => {
      const listed = new Set((await client.list()).map(({ name }) => name));
      for (const name of NO_SUCH)
        if (!listed.has(name))
          await ensureDeclared(client.run({ name }), 'unknownCommand', { name });
    },
    'run() knows every command that is listed': async () => {
      // Any result is fine: a command may complain about missing arguments.
      for (const { name } of await client.list()) await client.run(rightUse(name, samples));
    },
  };
}

/** Checks of runs that a command must refuse. */
function wrongUse(client: Client<typeof CliCommands>, samples: readonly CliRun[]): Checks {
  return {
    'run() without a required option exits with 2': async () => {
      for (const { name, options } of await client.list()) {
        for (const { name: missing } of options.filter(({ required }) => required)) {
          const input = rightUse(name, samples);
          const { [missing]: _, ...rest } = input.options ?? {};
          await ensureRefused(client, { ...input, options: rest }, `without '${missing}'`);
        }
      }
    },
    'run() with a text where a number belongs exits with 2': async () => {
      for (const { name, options } of await client.list()) {
        for (const { name: wrong } of options.filter(({ type }) => type === 'number')) {
          const input = rightUse(name, samples);
          await ensureRefused(
            client,
            { ...input, options: { ...input.options, [wrong]: 'no-number' } },
            `with a text as '${wrong}'`,
          );
        }
      }
    },
  };
}

/** Checks of what the samples say. */
function expected(client: Client<typeof CliCommands>, samples: readonly CliRun[]): Checks {
  return {
    'run() does what the samples expect': async () => {
      for (const sample of samples) {
        const { exitCode = 0, stdout } = sample;
        const input = inputOf(sample);
        const done = await client.run(input);
        ensure(
          done.exitCode === exitCode,
          `'${input.name}' should exit with ${exitCode}, not ${done.exitCode}`,
          { stdout: done.stdout, stderr: done.stderr },
        );
        const fits =
          stdout === undefined ||
          (typeof stdout === 'string' ? done.stdout.includes(stdout) : stdout.test(done.stdout));
        ensure(fits, `'${input.name}' should write ${String(stdout)}`, { stdout: done.stdout });
        ensure(
          exitCode === 0 || done.stderr.trim() !== '',
          `'${input.name}' exits with ${exitCode} and should say why on stderr`,
        );
      }
    },
  };
}

/** The input that is known to be right for a command: its sample, or else its name alone. */
function rightUse(name: string, samples: readonly CliRun[]): RunInput {
  return inputOf(samples.find((sample) => sample.name === name) ?? { name });
}

/** Fails a check unless a run exits as after wrong use, and says why. */
async function ensureRefused(
  client: Client<typeof CliCommands>,
  input: RunInput,
  why: string,
): Promise<void> {
  const { exitCode, stderr } = await client.run(input);
  ensure(
    exitCode === WRONG_USE,
    `'${input.name}' ${why} should exit with ${WRONG_USE}, not ${exitCode}`,
  );
  ensure(stderr.trim() !== '', `'${input.name}' ${why} should say so on stderr`);
}

function inputOf({ name, args = [], options = {} }: CliRun): RunInput {
  const given = Object.entries(options).flatMap(([option, value]) =>
    value === undefined ? [] : [[option, value] as const],
  );
  return { name, args: [...args], options: Object.fromEntries(given) };
}

function isName(text: string): boolean {
  return /^[^\s-]\S*$/.test(text);
}
