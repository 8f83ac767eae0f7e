/** The frame of the page: health on top, the panels, and one of them in the middle. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Inspector } from './model/inspector.ts';
import { useChanges } from './model/store.ts';
import { ChaosPanel } from './panels/chaos.tsx';
import { CommandsPanel } from './panels/commands.tsx';
import { ComparePanel } from './panels/compare.tsx';
import { EditorPanel } from './panels/editor.tsx';
import { EventsPanel } from './panels/events.tsx';
import { GraphPanel } from './panels/graph.tsx';
import { HealthPanel } from './panels/health.tsx';
import { LogsPanel } from './panels/logs.tsx';
import { MetricsPanel } from './panels/metrics.tsx';
import { PermissionsPanel } from './panels/permissions.tsx';
import { PluginsPanel } from './panels/plugins.tsx';
import { SettingsPanel } from './panels/settings.tsx';
import { StoragePanel } from './panels/storage.tsx';
import { TracesPanel } from './panels/traces.tsx';
import { InspectorContext, useInspector } from './parts/context.ts';
import { PermissionDialog } from './parts/permission-dialog.tsx';

interface Panel {
  /** What stands in the address, after `#/`. */
  readonly path: string;
  readonly title: string;
  readonly about: string;
  readonly view: ComponentType;
}

const PLUGINS: Panel = {
  path: 'plugins',
  title: 'Plugins',
  about: 'Each runs isolated in a Web Worker of its own.',
  view: PluginsPanel,
};

const PANELS: readonly Panel[] = [
  PLUGINS,
  {
    path: 'graph',
    title: 'Graph',
    about: 'Which plugin needs which, and the calls that go on now.',
    view: GraphPanel,
  },
  {
    path: 'commands',
    title: 'Commands',
    about: 'Run any command of a plugin, and see the way of the call.',
    view: CommandsPanel,
  },
  {
    path: 'compare',
    title: 'Compare',
    about: 'One command in several runtimes: the same plugin file, the same answer?',
    view: ComparePanel,
  },
  {
    path: 'editor',
    title: 'Editor',
    about: 'Write a plugin, run it, and swap it while it runs.',
    view: EditorPanel,
  },
  { path: 'traces', title: 'Traces', about: 'The last calls, across plugins.', view: TracesPanel },
  {
    path: 'events',
    title: 'Events',
    about: 'What plugins and the kernel tell.',
    view: EventsPanel,
  },
  {
    path: 'permissions',
    title: 'Permissions',
    about: 'What each plugin may do, was refused, and has really used.',
    view: PermissionsPanel,
  },
  {
    path: 'chaos',
    title: 'Chaos',
    about: 'Break one plugin, and watch the others answer as before.',
    view: ChaosPanel,
  },
  {
    path: 'metrics',
    title: 'Metrics',
    about: 'What plugins cost, and what the kernel counts.',
    view: MetricsPanel,
  },
  { path: 'logs', title: 'Logs', about: 'The last entries of each plugin.', view: LogsPanel },
  {
    path: 'storage',
    title: 'Storage',
    about: 'What plugins keep in this browser.',
    view: StoragePanel,
  },
  {
    path: 'settings',
    title: 'Settings',
    about: 'Configuration, from the schema of each plugin.',
    view: SettingsPanel,
  },
  {
    path: 'health',
    title: 'Health',
    about: 'Each part of the kernel, with its reasons.',
    view: HealthPanel,
  },
];

export function App({ inspector }: { readonly inspector: Inspector }) {
  const panel = usePanel();
  const View = panel.view;
  return (
    <InspectorContext.Provider value={inspector}>
      <header class="top">
        <h1>Plinth playground</h1>
        <FaultLine />
        <HealthLine />
      </header>
      <div class="frame">
        <nav aria-label="Panels">
          <ul>
            {PANELS.map(({ path, title }) => (
              <li key={path}>
                <a href={`#/${path}`} aria-current={panel.path === path ? 'page' : undefined}>
                  {title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <main>
          <h2 id="panel-title">{panel.title}</h2>
          <p class="hint about">{panel.about}</p>
          <View key={panel.path} />
        </main>
      </div>
      <PermissionDialog />
    </InspectorContext.Provider>
  );
}

function HealthLine() {
  const { health, healthChanges } = useInspector();
  useChanges(healthChanges);
  const { status, plugins } = health ?? { status: 'starting', plugins: [] };
  const active = plugins.filter(({ state }) => state === 'active').length;
  return (
    <p class="badge health" role="status" aria-label="Kernel health" data-state={status}>
      {health === undefined ? status : `${status}: ${active} of ${plugins.length} plugins active`}
    </p>
  );
}

/** Reminds of faults that were switched on in the panel of chaos. */
function FaultLine() {
  const { faults } = useInspector();
  useChanges(faults.changes);
  if (faults.count === 0) return null;
  return (
    <a class="badge" data-state="degraded" href="#/chaos">
      {faults.count === 1 ? '1 fault is on' : `${faults.count} faults are on`}
    </a>
  );
}

/** The panel of the address. */
function usePanel(): Panel {
  // What stands behind the name is the panel's own.
  const read = () =>
    PANELS.find(({ path }) => location.hash.split('?', 1)[0] === `#/${path}`) ?? PLUGINS;
  const [panel, setPanel] = useState(read);
  useEffect(() => {
    const follow = () => setPanel(read);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  useEffect(() => {
    document.title = `${panel.title} – Plinth playground`;
    document
      .querySelector('nav [aria-current]')
      ?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [panel]);
  return panel;
}
