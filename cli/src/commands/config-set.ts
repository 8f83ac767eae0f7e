/** `plinth config set`: changes a setting of a plugin for good. */
import { didYouMean } from '@plinth/sdk/contract';
import type { RunCommand } from '../command.js';
import type { PluginDetails } from '../operate/operator.js';
import { withOperator } from '../operate/with-operator.js';
import { readJsonValue } from '../terminal/read-input.js';
import { toJson } from '../terminal/show-value.js';

/** Sets one setting by its path. */
export const run: RunCommand = async ([id = '', key = '', json], options, terminal) => {
  const value = await readJsonValue(json, 'the value');
  return withOperator(options, terminal, async (operator) => {
    await operator.configure(id, patchOf(key.split('.'), value));
    const problem = unknownProblem(await operator.plugin(id), key);
    if (problem !== undefined)
      terminal.note(`${terminal.paint('yellow', 'warning')} ${id} ${problem}`);
    return {
      data: { id, key, value, ...(problem !== undefined && { warning: problem }) },
      text: `${key} of ${id} is ${toJson(value)}`,
    };
  });
};

/** What is odd about a setting that the plugin's schema doesn't name. It is kept nevertheless. */
function unknownProblem(plugin: PluginDetails | undefined, key: string): string | undefined {
  const { properties } = Object(plugin?.manifest?.config) as { readonly properties?: object };
  const name = key.split('.')[0] ?? '';
  if (properties === undefined || Object.hasOwn(properties, name)) return undefined;
  return `knows no setting '${name}'${didYouMean(name, Object.keys(properties), [])}`;
}

function patchOf(
  [first = '', ...rest]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  return { [first]: rest.length === 0 ? value : patchOf(rest, value) };
}
