/** One plugin as a card: what it is, what it costs, and what can be done with it. */
import type { PluginInfo, PluginUsage } from '@plinth/host-browser';
import { useEffect, useRef, useState } from 'preact/hooks';
import { isOwn } from '../kernel/demo-plugins.ts';
import type { PlaygroundKernel } from '../kernel/playground-kernel.ts';
import { plainText } from '../model/show-value.ts';
import { trustText } from '../model/trust.ts';
import { Action, Failure, type OnFailure } from '../parts/action.tsx';
import { Badge } from '../parts/badge.tsx';
import { useInspector } from '../parts/context.ts';
import { Facts } from '../parts/facts.tsx';
import { costInShort, PluginCost } from './plugin-cost.tsx';
import { PluginUpdate } from './plugin-update.tsx';

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

/**
 * @param meant what the kernel knows this version by; `back`: the version that an update has
 * replaced; `chosen`: the address names this plugin.
 */
export function PluginCard({
  plugin,
  meant,
  usage,
  back,
  chosen,
}: {
  readonly plugin: PluginInfo;
  readonly meant: string;
  readonly usage: PluginUsage | undefined;
  readonly back: string | undefined;
  readonly chosen: boolean;
}) {
  const { kernel, explanation, viewOf } = useInspector();
  const [failure, setFailure] = useState<string>();
  const [open, setOpen] = useState(false);
  const card = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (!chosen) return;
    card.current?.scrollIntoView({ block: 'nearest' });
    card.current?.focus({ preventScroll: true });
  }, [chosen]);
  const { id, name = id, version, state, manifest } = plugin;
  const { because } = kernel.plugins.explain(meant);
  const trust = trustText(isOwn(id), viewOf(meant)?.trust);
  return (
    <li class="panel card" data-plugin={id} ref={card} tabIndex={-1} aria-current={chosen}>
      <div class="card-title">
        <h3>
          <bdi>{plainText(name, 80)}</bdi>
        </h3>
        <Badge state={plugin.enabled ? state : 'disabled'} />
      </div>
      <p class="identity">{version === undefined ? id : `${id}@${version}`}</p>
      <p>{plainText(manifest?.description ?? '', 300)}</p>
      <Facts
        facts={[
          ['Trust', trust],
          ['Isolation', usage?.isolation ?? 'not running'],
          ['Cost', usage === undefined ? 'measuring…' : costInShort(usage)],
        ]}
      />
      {!isActive(plugin) && <p class="hint">Why: {plainText(because, 400)}</p>}
      <Deeds plugin={plugin} meant={meant} back={back} onFailure={setFailure} />
      <Failure message={failure} />
      <PluginUpdate key={version ?? ''} plugin={plugin} />
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>Cost and explanation</summary>
        {open && (
          <>
            <PluginCost usage={usage} />
            <pre>
              {explanation(meant)
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

function Deeds({
  plugin,
  meant,
  back,
  onFailure,
}: {
  readonly plugin: PluginInfo;
  readonly meant: string;
  readonly back: string | undefined;
  readonly onFailure: OnFailure;
}) {
  const { kernel } = useInspector();
  const { id, name = id } = plugin;
  const of = plainText(name, 80);
  return (
    <div class="row">
      {BUTTONS.map((deeds, at) => {
        const deed = deeds.find(({ possible }) => possible(plugin)) ?? (deeds[0] as Deed);
        return (
          <Action
            key={at}
            label={deed.label}
            of={of}
            danger={deed.danger}
            possible={deed.possible(plugin)}
            run={() => deed.run(kernel.plugins, meant)}
            onFailure={onFailure}
          />
        );
      })}
      {back !== undefined && (
        <Action
          label={`Roll back to ${plainText(back, 20)}`}
          of={of}
          run={() => kernel.plugins.rollback(id)}
          onFailure={onFailure}
        />
      )}
      {id === 'demo.rogue' && (
        <Action
          label="Crash"
          of={of}
          danger
          possible={isActive(plugin)}
          run={() => kernel.commands.execute('demo.rogue:throwLater')}
          onFailure={onFailure}
        />
      )}
    </div>
  );
}
