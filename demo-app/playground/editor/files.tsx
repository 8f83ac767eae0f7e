/** The two files of a plugin, of which one is shown. */

import table from 'virtual:sdk-table';
import type { EditorState } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import { useEffect, useRef, useState } from 'preact/hooks';
import { plainText } from '../model/show-value.ts';
import { makeEditor, setText, showProblems } from './code-mirror.ts';
import { compiler } from './compiler.ts';
import { unknownMembers } from './completion.ts';
import { jsonText, typescript } from './languages.ts';
import type { Draft } from './link.ts';
import { problemsOfManifest } from './manifest-check.ts';
import type { Problem } from './problem.ts';
import type { Work } from './session.ts';

/** The names of the files. */
export type FileName = Problem['file'];

const FILES = [
  {
    name: 'plugin.ts',
    part: 'code',
    language: () => typescript(table),
    check: async (state: EditorState) => [
      ...(await compiler.check(state.doc.toString())),
      ...unknownMembers(table, state),
    ],
  },
  {
    name: 'plugin.json',
    part: 'manifest',
    language: jsonText,
    check: (state: EditorState) => problemsOfManifest(state.doc.toString()),
  },
] as const satisfies readonly {
  readonly name: FileName;
  readonly part: keyof Draft;
  readonly language: () => unknown;
  readonly check: (state: EditorState) => readonly Problem[] | Promise<readonly Problem[]>;
}[];

const HINT = 'editor-hint';

export function Files({
  work,
  file,
  onFile,
  views,
}: {
  readonly work: Work;
  readonly file: FileName;
  readonly onFile: (file: FileName) => void;
  /** Gets the editors, by the names of their files. */
  readonly views: Map<FileName, EditorView>;
}) {
  return (
    <section aria-label="Code">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields of a form. */}
      <div class="row files" role="group" aria-label="Files">
        {FILES.map(({ name }) => (
          <button
            key={name}
            type="button"
            aria-pressed={file === name}
            onClick={() => onFile(name)}
          >
            {name}
          </button>
        ))}
      </div>
      {FILES.map((one) => (
        <File key={one.name} file={one} work={work} shown={file === one.name} views={views} />
      ))}
      <p id={HINT} class="hint">
        Tab indents; Escape and then Tab leaves the editor. <kbd>Ctrl</kbd>+<kbd>Space</kbd>{' '}
        completes, <kbd>Ctrl</kbd>+<kbd>S</kbd> or <kbd>⌘</kbd>+<kbd>S</kbd> runs it.
      </p>
    </section>
  );
}

function File({
  file: { name, part, language, check },
  work,
  shown,
  views,
}: {
  readonly file: (typeof FILES)[number];
  readonly work: Work;
  readonly shown: boolean;
  readonly views: Map<FileName, EditorView>;
}) {
  const box = useRef<HTMLDivElement>(null);
  /** Problems of the file as a whole, which have no line to stand at. */
  const [whole, setWhole] = useState<readonly Problem[]>([]);
  useEffect(() => {
    const view = makeEditor({
      parent: box.current as HTMLElement,
      text: work.draft[part],
      label: name,
      hint: HINT,
      language: language(),
      onChange: (text) => work.edit({ ...work.draft, [part]: text }),
      // Code of a link isn't even compiled before it is run.
      check: async (state) => {
        const found = work.isChecked ? await check(state) : [];
        setWhole(found.filter(({ line }) => line === undefined));
        return found;
      },
    });
    views.set(name, view);
    return () => {
      views.delete(name);
      view.destroy();
    };
  }, [work, name, part, language, check, views]);
  const { problems, draft } = work;
  const text = draft[part];
  // Another tab may have changed it. What was typed since this was rendered is in the draft, too.
  useEffect(() => {
    const view = views.get(name);
    if (view !== undefined) setText(view, work.draft[part]);
  }, [views, name, text, work, part]);
  useEffect(() => {
    const view = views.get(name);
    const own = problems.filter((one) => one.file === name);
    if (view !== undefined) showProblems(view, own);
  }, [views, name, problems]);
  return (
    <div hidden={!shown}>
      <div ref={box} class="file" />
      <div role="status" aria-label={`Checks of ${name}`}>
        {whole.map(({ message }) => (
          <p key={message} class="problem">
            {plainText(message, 1_000)}
          </p>
        ))}
      </div>
    </div>
  );
}
