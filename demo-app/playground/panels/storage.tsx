/** What a plugin keeps: its keys, one value at a time, and how much of its quota that takes. */
import type { PluginUsage } from '@plinth/host-browser';
import { useEffect, useRef, useState } from 'preact/hooks';
import { editableText } from '../model/editable.ts';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { bytes, counted } from '../model/units.ts';
import { Action, Failure, messageOf } from '../parts/action.tsx';
import { useInspector } from '../parts/context.ts';
import { PluginSelect } from '../parts/plugin-select.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { StorageValue } from './storage-value.tsx';

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

interface Kept {
  readonly keys: readonly string[];
  readonly usage: PluginUsage['storage'];
}

function Keys({ id }: { readonly id: string }) {
  const { kernel } = useInspector();
  const view = kernel.storage.of(id);
  const [kept, setKept] = useState<Kept>();
  const [shown, setShown] = useState<{ readonly key: string; readonly value: unknown }>();
  const [failure, setFailure] = useState<string>();
  const place = useRef<HTMLElement>(null);
  const read = async () => {
    const [keys, { storage }] = await Promise.all([view.list(), kernel.plugins.usage(id)]);
    setKept({ keys, usage: storage });
  };
  // Once for each plugin
  useEffect(() => {
    read().catch((error) => setFailure(messageOf(error)));
  }, [id]);
  const open = async (key: string) => setShown({ key, value: await view.read(key) });
  const refresh = async () => {
    const key = shown?.key;
    if (key === undefined) return read();
    await Promise.all([open(key), read()]);
  };
  const save = async (key: string, value: unknown, before: string) => {
    if (editableText(await view.read(key)) !== before)
      throw new Error(
        'the plugin has changed it meanwhile, and nothing was replaced: discard, and look again',
      );
    await view.import([[key, value]]);
    await Promise.all([open(key), read()]);
  };
  const remove = async (key: string) => {
    await view.delete(key);
    setShown(undefined);
    // Its buttons go with the value.
    place.current?.focus();
    await read();
  };
  return (
    <>
      <div class="row tools">
        <span class="hint grow">{kept === undefined ? 'Reading…' : keptText(kept)}</span>
        <Action label="Refresh" run={refresh} onFailure={setFailure} />
      </div>
      {kept?.usage?.limit !== undefined && (
        <progress aria-label="Quota used" max={kept.usage.limit} value={kept.usage.used} />
      )}
      <Failure message={failure} />
      <div class="two">
        <VirtualList
          label="Keys"
          items={kept?.keys ?? []}
          height={40}
          row={(key) => (
            <li key={key} class="line">
              <button
                type="button"
                class="plain"
                tabIndex={-1}
                aria-pressed={shown?.key === key}
                onClick={() => void open(key).catch((error) => setFailure(messageOf(error)))}
              >
                <code>{plainText(key)}</code>
              </button>
            </li>
          )}
        />
        <section ref={place} class="panel" aria-label="Value" tabIndex={-1}>
          {shown === undefined ? (
            <p class="hint">Choose a key to see its value.</p>
          ) : (
            <StorageValue
              key={shown.key}
              name={shown.key}
              value={shown.value}
              save={(value, before) => save(shown.key, value, before)}
              remove={() => remove(shown.key)}
            />
          )}
        </section>
      </div>
    </>
  );
}

function keptText({ keys, usage }: Kept): string {
  const all = counted(keys.length, 'key');
  if (usage === undefined) return all;
  const { used, limit } = usage;
  return `${all}, ${bytes(used)}${limit === undefined ? '' : ` of ${bytes(limit)}`}`;
}
