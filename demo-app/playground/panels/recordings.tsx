/** Records what crosses the boundary of a plugin, and replays it against a build of it. */
import { useState } from 'preact/hooks';
import { type KeptRecording, MOST_BYTES, Recordings } from '../model/recordings.ts';
import { plainText, showValue } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { bytes, counted } from '../model/units.ts';
import { Action, Failure, type OnFailure } from '../parts/action.tsx';
import { useInspector } from '../parts/context.ts';
import { FileButton } from '../parts/file-button.tsx';
import { PluginSelect } from '../parts/plugin-select.tsx';
import { saveFile } from '../parts/save-file.ts';

/** The recordings of each page: they outlive the panel. */
const made = new WeakMap<object, Recordings>();

function useRecordings(): Recordings {
  const { kernel } = useInspector();
  const recordings = made.get(kernel) ?? new Recordings(kernel);
  made.set(kernel, recordings);
  useChanges(recordings.changes);
  return recordings;
}

/** The whole panel. */
export function RecordingsPanel() {
  const { kernel, plugins } = useInspector();
  useChanges(plugins);
  const recordings = useRecordings();
  const list = kernel.plugins.list();
  const [chosen, setChosen] = useState('');
  const [failure, setFailure] = useState<string>();
  const id = list.find((one) => one.id === chosen)?.id ?? list[0]?.id;
  if (id === undefined) return <p class="hint">No plugin is known yet.</p>;
  const records = recordings.isRecording(id);
  return (
    <>
      <div class="row tools">
        <PluginSelect value={id} onChange={setChosen} />
        <Action
          label={records ? 'Stop recording' : 'Record'}
          danger={records}
          run={() => (records ? recordings.stop(id) : recordings.start(id))}
          onFailure={setFailure}
        />
        <FileButton
          label="Take a file"
          most={MOST_BYTES}
          onText={(text) => recordings.upload(text)}
          onFailure={setFailure}
        />
      </div>
      <p class="hint tools">
        {records
          ? `${plainText(id, 80)} is recorded: use it, and stop. What it sees is in the recording.`
          : 'A recording begins with a fresh guest: the plugin is reloaded, with its state.'}
      </p>
      <Failure message={failure} />
      <ul aria-label="Recordings">
        {recordings.kept.map((kept) => (
          <Kept key={kept.number} kept={kept} recordings={recordings} onFailure={setFailure} />
        ))}
      </ul>
      {recordings.kept.length === 0 && <p class="panel hint">There is no recording yet.</p>}
    </>
  );
}

function Kept({
  kept,
  recordings,
  onFailure,
}: {
  readonly kept: KeptRecording;
  readonly recordings: Recordings;
  readonly onFailure: OnFailure;
}) {
  const [address, setAddress] = useState('');
  const { number, recording } = kept;
  const { header, entries, end, text } = recording;
  const name = `${plainText(header.plugin, 80)} ${plainText(header.version, 20)}`;
  return (
    <li class="panel" data-recording={number}>
      <div class="card-title">
        <h3>{name}</h3>
        <span class="hint">
          {counted(entries, 'entry', 'entries')}, {bytes(text.length)}, ended: {end}
        </span>
      </div>
      <div class="row">
        <input
          class="grow"
          aria-label={`Address of a build of ${name}`}
          placeholder="The installed build, or the address of another plugin.json"
          value={address}
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => setAddress(currentTarget.value)}
        />
        <Action
          label="Replay"
          of={name}
          run={() => recordings.replay(kept, address.trim())}
          onFailure={onFailure}
        />
        <Action
          label="Download"
          of={name}
          run={() => saveFile(`recording-${number}.jsonl`, [text], 'application/jsonl')}
          onFailure={onFailure}
        />
        <Action
          label="Remove"
          of={name}
          danger
          run={() => recordings.remove(number)}
          onFailure={onFailure}
        />
      </div>
      <Result kept={kept} />
    </li>
  );
}

/** How it was replayed last: equal, or the first difference with both values. */
function Result({ kept: { result, against = '' } }: { readonly kept: KeptRecording }) {
  if (result === undefined) return null;
  const { ok, steps, divergence } = result;
  if (ok || divergence === undefined)
    return (
      <p class="hint" role="status" aria-label="Replay">
        Equal to {plainText(against)}: {steps} steps.
      </p>
    );
  const { step, kind, what, expected, actual } = divergence;
  return (
    <>
      <p class="problem" role="status" aria-label="Replay">
        Differs from {plainText(against)} at step {step}: {kind}, {plainText(what, 300)}.
      </p>
      <div class="two">
        <section aria-label="Recorded">
          <h4>Recorded</h4>
          <pre>{showValue(expected)}</pre>
        </section>
        <section aria-label="Now">
          <h4>Now</h4>
          <pre>{showValue(actual)}</pre>
        </section>
      </div>
    </>
  );
}
