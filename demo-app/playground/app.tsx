/** The frame of the page: health on top, the panels, and one of them in the middle. */
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Inspector } from './model/inspector.ts';
import { useChanges } from './model/store.ts';
import { PluginsPanel } from './panels/plugins.tsx';
import { useAddress } from './parts/address.ts';
import { InspectorContext, useInspector } from './parts/context.ts';
import { lazy } from './parts/lazy.tsx';
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
    view: lazy(async () => (await import('./panels/graph.tsx')).GraphPanel),
  },
  {
    path: 'commands',
    title: 'Commands',
    about: 'Run any command of a plugin, and see the way of the call.',
    view: lazy(async () => (await import('./panels/commands.tsx')).CommandsPanel),
  },
  {
    path: 'traces',
    title: 'Traces',
    about: 'The last calls, across plugins.',
    view: lazy(async () => (await import('./panels/traces.tsx')).TracesPanel),
  },
  {
    path: 'events',
    title: 'Events',
    about: 'What plugins and the kernel tell.',
    view: lazy(async () => (await import('./panels/events.tsx')).EventsPanel),
  },
  {
    path: 'permissions',
    title: 'Permissions',
    about: 'What each plugin may do, was refused, and has really used.',
    view: lazy(async () => (await import('./panels/permissions.tsx')).PermissionsPanel),
  },
  {
    path: 'chaos',
    title: 'Chaos',
    about: 'Break one plugin, and watch the others answer as before.',
    view: lazy(async () => (await import('./panels/chaos.tsx')).ChaosPanel),
  },
  {
    path: 'metrics',
    title: 'Metrics',
    about: 'What plugins cost, and what the kernel counts.',
    view: lazy(async () => (await import('./panels/metrics.tsx')).MetricsPanel),
  },
  {
    path: 'audit',
    title: 'Audit',
    about: 'What was decided about plugins and what they attempted, chained by hashes.',
    view: lazy(async () => (await import('./panels/audit.tsx')).AuditPanel),
  },
  {
    path: 'recordings',
    title: 'Recordings',
    about: 'Record what a plugin is given and answers, and replay it against a build of it.',
    view: lazy(async () => (await import('./panels/recordings.tsx')).RecordingsPanel),
  },
  {
    path: 'logs',
    title: 'Logs',
    about: 'The last entries of each plugin.',
    view: lazy(async () => (await import('./panels/logs.tsx')).LogsPanel),
  },
  {
    path: 'storage',
    title: 'Storage',
    about: 'What plugins keep in this browser.',
    view: lazy(async () => (await import('./panels/storage.tsx')).StoragePanel),
  },
  {
    path: 'settings',
    title: 'Settings',
    about: 'Configuration, from the schema of each plugin.',
    view: lazy(async () => (await import('./panels/settings.tsx')).SettingsPanel),
  },
  {
    path: 'health',
    title: 'Health',
    about: 'Each part of the kernel, with its reasons.',
    view: lazy(async () => (await import('./panels/health.tsx')).HealthPanel),
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
  const { panel: wanted } = useAddress();
  const panel = PANELS.find(({ path }) => path === wanted) ?? PLUGINS;
  useEffect(() => {
    document.title = `${panel.title} – Plinth playground`;
    document
      .querySelector('nav [aria-current]')
      ?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [panel]);
  return panel;
}
