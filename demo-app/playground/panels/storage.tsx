/** What a plugin keeps: its keys, one value at a time. */
import { useEffect, useState } from 'preact/hooks';
import { plainText, showValue } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { Action, Failure, messageOf } from '../parts/action.tsx';
import { useInspector } from '../parts/context.ts';
import { PluginSelect } from '../parts/plugin-select.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';

/** The whole panel. */
export function StoragePanel() {
  const { kernel, plugins } = useInspector();
  useChanges(plugins);
  const list = kernel.plugins.list();
  const [chosen, setChosen] = useState('');
  const id = list.find((one) => one.id === chosen)?.id ?? list[0]?.id;
  if (id === undefined) return <p class="hint">No plugin is known yet.</p>;
  return (
    <>
      <div class="row tools">
        <PluginSelect value={id} onChange={setChosen} />
      </div>
      <Keys key={id} id={id} />
    </>
  );
}

function Keys({ id }: { readonly id: string }) {
  const view = useInspector().kernel.storage.of(id);
  const [keys, setKeys] = useState<readonly string[]>();
  const [shown, setShown] = useState<{ readonly key: string; readonly text: string }>();
  const [failure, setFailure] = useState<string>();
  const read = async () => setKeys(await view.list());
  // Once for each plugin
  useEffect(() => {
    read().catch((error) => setFailure(messageOf(error)));
  }, [id]);
  const open = (key: string) =>
    view.read(key).then(
      (value) => setShown({ key, text: showValue(value) }),
      (error) => setFailure(messageOf(error)),
    );
  return (
    <>
      <div class="row tools">
        <span class="hint grow">{keys === undefined ? 'Reading…' : `${keys.length} keys`}</span>
        <Action label="Refresh" run={read} onFailure={setFailure} />
      </div>
      <Failure message={failure} />
      <div class="two">
        <VirtualList
          label="Keys"
          items={keys ?? []}
          height={40}
          row={(key) => (
            <li key={key} class="line">
              <button
                type="button"
                class="plain"
                tabIndex={-1}
                aria-pressed={shown?.key === key}
                onClick={() => void open(key)}
              >
                <code>{plainText(key)}</code>
              </button>
            </li>
          )}
        />
        <section class="panel" aria-label="Value">
          {shown === undefined ? (
            <p class="hint">Choose a key to see its value.</p>
          ) : (
            <>
              <h3>{plainText(shown.key)}</h3>
              <pre>{shown.text}</pre>
            </>
          )}
        </section>
      </div>
    </>
  );
}
