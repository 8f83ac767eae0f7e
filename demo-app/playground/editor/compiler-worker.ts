/** The worker that compiles. It has the compiler, and what plugins import. */
import modules from 'virtual:plugin-modules';
import { compile } from './compile.ts';
import { type Problem, Problems } from './problem.ts';

/** What it answers for a text. */
export type Compiled = { readonly code: string } | { readonly problems: readonly Problem[] };

/** What it says: once that it is loaded, then an answer to each text in its order. */
export type Said = 'ready' | Compiled;

const say = (said: Said) => postMessage(said);

addEventListener('message', ({ data }: MessageEvent<string>) => {
  try {
    say({ code: compile(data, modules) });
  } catch (error) {
    say({ problems: error instanceof Problems ? error.list : [problemOf(error)] });
  }
});
say('ready');

/** The compiler itself has failed, as it does where a text is nested too deeply. */
const problemOf = (error: unknown): Problem => ({
  file: 'plugin.ts',
  severity: 'error',
  message: `it can't be compiled: ${error instanceof Error ? error.message : String(error)}`,
});
