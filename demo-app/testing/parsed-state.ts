/** Code as an editor has it once all of it is parsed. An editor does that when it has the time. */
import { javascript } from '@codemirror/lang-javascript';
import { ensureSyntaxTree } from '@codemirror/language';
import { EditorState } from '@codemirror/state';

const LONG = 60_000;

export function parsedState(doc: string): EditorState {
  const state = EditorState.create({ doc, extensions: javascript({ typescript: true }) });
  if (ensureSyntaxTree(state, doc.length, LONG) === null) throw new Error('not parsed in time');
  // A state has the tree of the time when it was made.
  return state.update({}).state;
}
