/** Questions on a terminal. Loaded only when one is asked. */
import { password, select, text } from '@clack/prompts';
import { CliError } from './cli-error.js';

/** A symbol says that the user has stopped. */
function answered(answer: string | symbol): string {
  if (typeof answer === 'symbol')
    throw new CliError('cli/cancelled', 'stopped; nothing was written');
  return answer;
}

/** Asks for a text that isn't shown. */
export async function askSecret(message: string): Promise<string> {
  return answered(await password({ message }));
}

/** Asks for a text until it is right. `problem` says why it isn't. */
export async function askText(
  message: string,
  initial: string,
  problem: (value: string) => string | undefined,
): Promise<string> {
  return answered(
    await text({ message, initialValue: initial, validate: (value) => problem(value ?? '') }),
  );
}

/** Asks for one of some choices. */
export async function askChoice<const T extends string>(
  message: string,
  choices: readonly { readonly value: T; readonly hint: string }[],
): Promise<T> {
  const options = choices.map(({ value, hint }) => ({
    value: value as string,
    label: value,
    hint,
  }));
  return answered(await select({ message, options })) as T;
}
