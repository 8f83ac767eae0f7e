/** The compiler with what plugins import: a part of the page that is loaded when it is used. */
import modules from 'virtual:plugin-modules';
import { compile, problemsOf } from './compile.ts';

/** @throws Problems. */
export const compilePlugin = (source: string) => compile(source, modules);

/** What is wrong with a text that is being written. */
export const checkPlugin = (source: string) => problemsOf(source, modules);
