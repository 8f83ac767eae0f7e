/** The plugins as cards: state, version, and what can be done with each. */
import type { PluginInfo } from '@plinth/host-browser';
import { useState } from 'preact/hooks';
import type { PlaygroundKernel } from '../kernel/playground-kernel.ts';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { Action, Failure } from '../parts/action.tsx';
import { Badge } from '../parts/badge.tsx';
import { useInspector } from '../parts/context.ts';
import { PluginCost } from './plugin-cost.tsx';

/** The whole panel. */
export function PluginsPanel() {
  const { kernel, plugins } = useInspector();
  useChanges(plugins);
  return (
    <>
      <ul class="cards">
        {kernel.plugins.list().map((plugin) => (
          <Card key={plugin.id} plugin={plugin} />
        ))}
      </ul>
      <Install />
    </>
  );
}

interface Deed {
  readonly label: string;
  readonly run: (plugins: PlaygroundKernel['plugins'], id: string) => Promise<unknown>;
  readonly possible: (plugin: PluginInfo) => boolean;
  readonly danger?: boolean;
}

const isActive = ({ state }: PluginInfo) => state === 'active';

/**
 * One button each. Of two deeds that undo each other the possible one is offered, in the same place:
 * the button that was pressed keeps the focus.
 */
const BUTTONS: readonly (readonly Deed[])[] = [
  [
    { label: 'Deactivate', run: (plugins, id) => plugins.deactivate(id), possible: isActive },
    {
      label: 'Activate',
      run: (plugins, id) => plugins.activate(id),
      possible: (one) => !isActive(one) && one.enabled,
    },
  ],
  [
    { label: 'Suspend', run: (plugins, id) => plugins.suspend(id), possible: isActive },
    {
      label: 'Resume',
      run: (plugins, id) => plugins.resume(id),
      possible: ({ state }) => state === 'suspended',
    },
  ],
  [{ label: 'Sleep', run: sleep, possible: isActive }],
  [
    {
      label: 'Reload',
      run: (plugins, id) => plugins.reload(id),
      possible: ({ enabled }) => enabled,
    },
  ],
  [
    {
      label: 'Disable',
      run: (plugins, id) => plugins.disable(id),
      possible: ({ enabled }) => enabled,
    },
    {
      label: 'Enable',
      run: (plugins, id) => plugins.enable(id),
      possible: ({ enabled }) => !enabled,
    },
  ],
  [
    {
      label: 'Uninstall',
      run: (plugins, id) => plugins.uninstall(id),
      possible: () => true,
      danger: true,
    },
  ],
];

async function sleep(plugins: PlaygroundKernel['plugins'], id: string): Promise<void> {
  if (!(await plugins.hibernate(id)))
    throw new Error('it has work to do, or is needed by a plugin that runs, so it stays awake');
}

function Card({ plugin }: { readonly plugin: PluginInfo }) {
  const { kernel, explanation } = useInspector();
  const [failure, setFailure] = useState<string>();
  const [open, setOpen] = useState(false);
  const { id, name = id, version, state, manifest } = plugin;
  const { because } = kernel.plugins.explain(id);
  return (
    <li class="panel card" data-plugin={id}>
      <div class="card-title">
        <h3>
          <bdi>{plainText(name, 80)}</bdi>
        </h3>
        <Badge state={plugin.enabled ? state : 'disabled'} />
      </div>
      <p class="identity">{version === undefined ? id : `${id}@${version}`}</p>
      <p>{plainText(manifest?.description ?? '', 300)}</p>
      {!isActive(plugin) && <p class="hint">Why: {plainText(because, 400)}</p>}
      <div class="row">
        {BUTTONS.map((deeds, at) => {
          const deed = deeds.find(({ possible }) => possible(plugin)) ?? (deeds[0] as Deed);
          return (
            <Action
              key={at}
              label={deed.label}
              of={plainText(name, 80)}
              danger={deed.danger}
              possible={deed.possible(plugin)}
              run={() => deed.run(kernel.plugins, id)}
              onFailure={setFailure}
            />
          );
        })}
        {id === 'demo.rogue' && (
          <Action
            label="Crash"
            of={plainText(name, 80)}
            danger
            possible={isActive(plugin)}
            run={() => kernel.commands.execute('demo.rogue:throwLater')}
            onFailure={setFailure}
          />
        )}
      </div>
      <Failure message={failure} />
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>Cost and explanation</summary>
        {open && (
          <>
            <PluginCost id={id} />
            <pre>
              {explanation(id)
                .split('\n')
                .map((line) => plainText(line, 600))
                .join('\n')}
            </pre>
          </>
        )}
      </details>
    </li>
  );
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
