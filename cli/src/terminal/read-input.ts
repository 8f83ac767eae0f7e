/** Reads JSON of the command line and text of stdin. */
import { CliError } from './cli-error.js';

/** Most characters that are read of stdin. */
const MAX_INPUT = 64 * 1_048_576;

/** A value of JSON text; undefined when there is none. `-` reads stdin. */
export async function readJsonValue(text: string | undefined, what: string): Promise<unknown> {
  if (text === undefined) return undefined;
  const source = text === '-' ? await readStdin() : text;
  try {
    return JSON.parse(source);
  } catch (cause) {
    throw new CliError('cli/usage', `${what} is not JSON: ${(cause as Error).message}`, {
      usage: true,
      cause,
      cure: `Quote it for the shell: '"text"' or '{"key": 1}'.`,
    });
  }
}

/** Everything on stdin. */
export async function readStdin(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    text += chunk;
    if (text.length > MAX_INPUT)
      throw new CliError('cli/usage', `stdin has more than ${MAX_INPUT} characters`, {
        usage: true,
      });
  }
  return text;
}
