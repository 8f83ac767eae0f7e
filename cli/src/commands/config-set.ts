/** `plinth config set`: changes a setting of a plugin for good. */
import type { RunCommand } from '../command.js';
import { withOperator } from '../operate/with-operator.js';
import { readJsonValue } from '../terminal/read-input.js';
import { toJson } from '../terminal/show-value.js';

/** Sets one setting by its path. */
export const run: RunCommand = async ([id = '', key = '', json], options, terminal) => {
  const value = await readJsonValue(json, 'the value');
  return withOperator(options, terminal, async (operator) => {
    await operator.configure(id, patchOf(key.split('.'), value));
    return { data: { id, key, value }, text: `${key} of ${id} is ${toJson(value)}` };
  });
};

function patchOf(
  [first = '', ...rest]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  return { [first]: rest.length === 0 ? value : patchOf(rest, value) };
}
