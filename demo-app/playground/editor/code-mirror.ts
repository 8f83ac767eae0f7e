/** The editor of one file, by CodeMirror. */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, indentOnInput } from '@codemirror/language';
import { type Diagnostic, linter, lintGutter, lintKeymap } from '@codemirror/lint';
import { EditorState, type Extension, StateEffect, StateField, type Text } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { look } from './look.ts';
import type { Problem } from './problem.ts';

/** What an editor is made with. */
export interface EditorOptions {
  readonly parent: HTMLElement;
  readonly text: string;
  /** Its name for screen readers, and the id of the element that says how to leave it. */
  readonly label: string;
  readonly hint: string;
  readonly language: Extension;
  readonly onChange: (text: string) => void;
  /** What is wrong with what is written. It is asked when nothing was typed for a moment. */
  readonly check: (state: EditorState) => readonly Problem[] | Promise<readonly Problem[]>;
}

/** Milliseconds without typing before the text is checked. */
const PAUSE = 400;

/** Problems of the last run. They are gone with the next change. */
const setProblems = StateEffect.define<readonly Problem[]>();
const runProblems = StateField.define<readonly Problem[]>({
  create: () => [],
  update(problems, { effects, docChanged }) {
    for (const effect of effects) if (effect.is(setProblems)) return effect.value;
    return docChanged ? [] : problems;
  },
});

/** Makes an editor in an element. The caller destroys it. */
export function makeEditor(options: EditorOptions): EditorView {
  const { parent, text, label, hint, language, onChange, check } = options;
  return new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        highlightSpecialChars(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        autocompletion(),
        highlightActiveLine(),
        language,
        runProblems,
        linter(async ({ state }) => diagnostics(state, await check(state)), {
          delay: PAUSE,
          needsRefresh: ({ startState, state }) =>
            startState.field(runProblems) !== state.field(runProblems),
        }),
        lintGutter(),
        EditorView.contentAttributes.of({
          'aria-label': label,
          'aria-describedby': hint,
          // It has the focus anyway; so it is said of what scrolls around it, too.
          tabindex: '0',
        }),
        EditorView.updateListener.of(({ docChanged, state }) => {
          if (docChanged) onChange(state.doc.toString());
        }),
        keymap.of([
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...historyKeymap,
          ...completionKeymap,
          ...lintKeymap,
          // Escape and then Tab leaves the editor: CodeMirror's own way out.
          indentWithTab,
        ]),
        look,
      ],
    }),
  });
}

/** Shows the problems of a run. */
export function showProblems(view: EditorView, problems: readonly Problem[]): void {
  if (view.state.field(runProblems).length > 0 || problems.length > 0)
    view.dispatch({ effects: setProblems.of(problems) });
}

/** Replaces the whole text. It can be undone. */
export function setText(view: EditorView, text: string): void {
  if (view.state.doc.toString() === text) return;
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
}

/** Puts the cursor on a line, and the focus into the editor. */
export function goTo(view: EditorView, number: number): void {
  const { from } = lineOf(view.state.doc, number);
  view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
  view.focus();
}

function diagnostics(state: EditorState, found: readonly Problem[]): readonly Diagnostic[] {
  return [...found, ...state.field(runProblems)].map(({ line = 1, column, severity, message }) => {
    const { from, to, text } = lineOf(state.doc, line);
    const indent = /^\s*/.exec(text)?.[0].length ?? 0;
    const start = column === undefined ? from + indent : Math.min(from + column - 1, to);
    const word = /^[\w$]+/.exec(state.sliceDoc(start, to))?.[0].length;
    return { from: start, to: column === undefined ? to : start + (word ?? 0), severity, message };
  });
}

const lineOf = (doc: Text, number: number) => doc.line(Math.min(Math.max(number, 1), doc.lines));
