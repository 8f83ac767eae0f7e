/** One draft: its tools, its two files, and what runs of it. */

import type { EditorView } from '@codemirror/view';
import { useRef, useState } from 'preact/hooks';
import { useChanges } from '../model/store.ts';
import { Action, Failure } from '../parts/action.tsx';
import { useInspector } from '../parts/context.ts';
import { goTo, setText } from './code-mirror.ts';
import { type FileName, Files } from './files.tsx';
import { Outcome } from './outcome.tsx';
import type { Problem } from './problem.ts';
import type { Place, Work } from './session.ts';
import { Share } from './share.tsx';
import { TEMPLATES } from './templates.ts';

export function Bench({ work }: { readonly work: Work }) {
  const { kernel, plugins } = useInspector();
  useChanges(work.changes);
  useChanges(plugins);
  const views = useRef(new Map<FileName, EditorView>());
  const [file, setFile] = useState<FileName>('plugin.ts');
  const [failure, setFailure] = useState<string>();
  const isRunning = work.runningIn(kernel) !== undefined;
  const run = () => void work.run(kernel);
  const show = ({ file: name, line }: Pick<Problem, 'file' | 'line'>) => {
    setFile(name);
    // The file is shown in the next frame, and only then takes the focus.
    requestAnimationFrame(() => {
      const view = views.current.get(name);
      if (view !== undefined) goTo(view, line ?? 1);
    });
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the key is one of the whole panel.
    <div
      class="editor"
      onKeyDown={(event) => {
        if (event.key.toLowerCase() !== 's' || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        run();
      }}
    >
      {work.fromLink && <LinkNote />}
      <div class="row tools">
        {!work.fromLink && (
          <Templates
            onChoose={(template) => {
              const set = (name: FileName, text: string) => {
                const view = views.current.get(name);
                if (view !== undefined) setText(view, text);
              };
              set('plugin.ts', template.code);
              set('plugin.json', template.manifest);
            }}
          />
        )}
        <PlaceSelect work={work} />
        <button type="button" class="primary" aria-busy={work.isBusy} onClick={run}>
          {isRunning ? 'Save and swap' : 'Run'}
        </button>
        <Action
          label="Stop"
          possible={isRunning && !work.isBusy}
          run={() => work.stop(kernel)}
          onFailure={setFailure}
        />
        <Share draft={work.draft} />
      </div>
      <Failure message={failure} />
      <div class="two">
        <Files work={work} file={file} onFile={setFile} views={views.current} />
        <Outcome work={work} onShow={show} />
      </div>
    </div>
  );
}

function LinkNote() {
  return (
    <div class="panel note" role="note">
      <p>
        <strong>This code came by a link.</strong> Nothing of it runs before you press Run: read it
        first.
      </p>
      <p class="hint">
        It runs in the sandbox. It may show views and notices, and gets no other right, whatever its
        plugin.json asks for. <a href="#/editor">Go back to your own draft</a>
      </p>
    </div>
  );
}

function Templates({
  onChoose,
}: {
  readonly onChoose: (template: (typeof TEMPLATES)[number]) => void;
}) {
  return (
    <label class="inline">
      Template{' '}
      <select
        value=""
        onChange={({ currentTarget }) => {
          const template = TEMPLATES.find(({ id }) => id === currentTarget.value);
          currentTarget.value = '';
          if (template !== undefined) onChoose(template);
        }}
      >
        <option value="">choose one…</option>
        {TEMPLATES.map(({ id, title }) => (
          <option key={id} value={id}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}

function PlaceSelect({ work }: { readonly work: Work }) {
  const [place, setPlace] = useState<Place>(work.place);
  if (work.fromLink) return <span class="hint">In the sandbox</span>;
  return (
    <label class="inline">
      Run in{' '}
      <select
        value={place}
        onChange={({ currentTarget }) => {
          work.place = currentTarget.value === 'worker' ? 'worker' : 'sandbox';
          setPlace(work.place);
        }}
      >
        <option value="sandbox">the sandbox</option>
        <option value="worker">a worker</option>
      </select>
    </label>
  );
}
