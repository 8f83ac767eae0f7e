/** The plugins as cards, and the way to get another one. */
import { useEffect, useState } from 'preact/hooks';
import { useChanges } from '../model/store.ts';
import { type WaysBack, waysBack } from '../model/way-back.ts';
import { Action, Failure } from '../parts/action.tsx';
import { useAddress } from '../parts/address.ts';
import { useInspector } from '../parts/context.ts';
import { usePolled } from '../parts/poll.ts';
import { PluginCard } from './plugin-card.tsx';

const EVERY = 2_000;

/** The whole panel. */
export function PluginsPanel() {
  const { kernel, plugins } = useInspector();
  useChanges(plugins);
  const { chosen } = useAddress();
  const ways = useWaysBack();
  const list = kernel.plugins.list();
  const { value: usage = [] } = usePolled('usage', EVERY, () => kernel.plugins.usage());
  return (
    <>
      <ul class="cards">
        {list.map((plugin) => {
          const { id, version } = plugin;
          const own = `${id}@${version}`;
          // A decision about the id holds for all of its versions, so it is made where there is one.
          const isAlone = list.every((one) => one === plugin || one.id !== id);
          const meant = isAlone ? id : own;
          return (
            <PluginCard
              key={meant}
              plugin={plugin}
              meant={meant}
              usage={usage.find((one) => one.id === id && one.version === version)}
              back={ways.get(own)}
              chosen={id === chosen}
            />
          );
        })}
      </ul>
      <Install />
    </>
  );
}

/** Reads again when an update, a way back or an uninstallation is told. */
function useWaysBack(): WaysBack {
  const { kernel } = useInspector();
  const [ways, setWays] = useState<WaysBack>(new Map());
  useEffect(() => {
    let shown = true;
    const read = () =>
      void kernel.audit.entries().then(
        (entries) => shown && setWays(waysBack(entries)),
        // A storage that fails shows in the health of the kernel; no way back is offered then.
        () => shown && setWays(new Map()),
      );
    read();
    const topics = ['plugin:updated', 'plugin:rolled-back', 'plugin:uninstalled'];
    const listening = topics.map((topic) => kernel.events.on(topic, read));
    return () => {
      shown = false;
      for (const one of listening) one.dispose();
    };
  }, [kernel]);
  return ways;
}

/** Installs a plugin from an address. It runs behind the wall of the sandbox. */
function Install() {
  const { install } = useInspector();
  const [url, setUrl] = useState('');
  const [failure, setFailure] = useState<string>();
  return (
    <details class="panel">
      <summary>Install a plugin from an address</summary>
      <div class="row">
        <label class="inline grow">
          Address of its plugin.json{' '}
          <input
            type="url"
            value={url}
            placeholder="./plugins/notes/plugin.json"
            onInput={({ currentTarget }) => setUrl(currentTarget.value)}
          />
        </label>
        <Action
          label="Install"
          possible={url !== ''}
          run={() => install(url)}
          onFailure={setFailure}
        />
      </div>
      <p class="hint">It runs in the sandbox, with the rights that its manifest asks for.</p>
      <Failure message={failure} />
    </details>
  );
}
