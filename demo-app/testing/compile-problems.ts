/** What is wrong with a text, as a list. */
import { compile, type PluginModules } from '../playground/editor/compile.ts';
import { type Problem, Problems } from '../playground/editor/problem.ts';

export function problemsOf(source: string, modules: PluginModules): readonly Problem[] {
  try {
    compile(source, modules);
    return [];
  } catch (error) {
    if (error instanceof Problems) return error.list;
    throw error;
  }
}
