/** The same for other programs: CSV for spreadsheets, and the text format of Prometheus. */
import { useState } from 'preact/hooks';
import { Action, Failure } from '../parts/action.tsx';
import { useInspector } from '../parts/context.ts';
import { copyText } from '../parts/copy-text.ts';
import { saveFile } from '../parts/save-file.ts';

/** Characters that are shown. What is copied and saved is whole. */
const MOST_SHOWN = 100_000;

interface Written {
  readonly name: string;
  readonly type: string;
  readonly text: string;
}

export function MetricsText() {
  const { kernel } = useInspector();
  const [written, setWritten] = useState<Written>();
  const [failure, setFailure] = useState<string>();
  const csv = async () =>
    setWritten({
      name: 'report.csv',
      type: 'text/csv',
      text: await kernel.report({ format: 'csv' }),
    });
  const prometheus = async () =>
    setWritten({
      name: 'metrics.txt',
      type: 'text/plain',
      text: await kernel.metrics.prometheus(),
    });
  const copy = async (text: string) => {
    if (!(await copyText(text)))
      throw new Error('this page may not copy: save it, or copy it below');
  };
  return (
    <section class="panel stack" aria-label="As text">
      <div class="row">
        <Action label="As CSV" run={csv} onFailure={setFailure} />
        <Action label="As Prometheus text" run={prometheus} onFailure={setFailure} />
        {written !== undefined && (
          <>
            <Action label="Copy" run={() => copy(written.text)} onFailure={setFailure} />
            <Action
              label="Save"
              run={() => saveFile(written.name, [written.text], written.type)}
              onFailure={setFailure}
            />
          </>
        )}
      </div>
      <Failure message={failure} />
      {written !== undefined && (
        <textarea
          readOnly
          rows={10}
          spellcheck={false}
          aria-label={written.name}
          value={written.text.slice(0, MOST_SHOWN)}
        />
      )}
    </section>
  );
}
