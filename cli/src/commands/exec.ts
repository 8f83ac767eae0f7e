/** `plinth exec`: runs one command of a plugin. */
import type { RunCommand } from '../command.js';
import { withInputCure } from '../operate/input-cure.js';
import { withOperator } from '../operate/with-operator.js';
import { CliError } from '../terminal/cli-error.js';
import { millisecondsOf } from '../terminal/numbers.js';
import { printable } from '../terminal/printable.js';
import { readJsonValue } from '../terminal/read-input.js';
import { plainOf, toJson } from '../terminal/show-value.js';

/** Calls a command, and writes what it answers. */
export const run: RunCommand = async ([command = '', json], options, terminal) => {
  const input = await readJsonValue(json, 'the input');
  const timeout =
    options.timeout === undefined ? undefined : millisecondsOf(options.timeout, '--timeout');
  return withOperator(options, terminal, async (operator) => {
    const output = await operator.execute(command, input, timeout).catch(async (error: unknown) => {
      throw json === undefined && ofPlugin(error, command) === error
        ? await withInputCure(error, command, operator)
        : ofPlugin(error, command);
    });
    if (isStream(output)) {
      for await (const part of output) {
        const text = shown(part, terminal.json);
        terminal.out(operator.isForeign && !terminal.json ? printable(text) : text);
      }
      return undefined;
    }
    return {
      data: { output: plainOf(output) },
      text: output === undefined ? 'done' : shown(output, false),
    };
  });
};

/** What a plugin threw, with the part of its stack that is in the plugin. */
function ofPlugin(error: unknown, command: string): unknown {
  if (!(error instanceof Error) || 'code' in error) return error;
  const own = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line) && !/plugin-worker|node:/.test(line));
  return new CliError('plugin/threw', `${command} failed: ${error.name}: ${error.message}`, {
    cause: error,
    ...(own.length > 0 && { frame: own.join('\n') }),
    details: { name: error.name, stack: error.stack },
  });
}

const isStream = (value: unknown): value is AsyncIterable<unknown> =>
  value !== null && typeof value === 'object' && Symbol.asyncIterator in value;

const shown = (value: unknown, json: boolean) =>
  typeof value === 'string' && !json ? value : toJson(value, json ? undefined : 2);
