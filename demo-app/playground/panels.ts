/** The panels in the order of the menu. The first one is part of the page, the others are loaded. */
import type { ComponentType } from 'preact';
import { PluginsPanel } from './panels/plugins.tsx';

/** A panel that is part of the page, or that is loaded when it is shown or about to be. */
export type Panel = Words & ({ readonly view: ComponentType } | { readonly load: LoadView });

interface Words {
  /** What stands in the address, after `#/`. */
  readonly path: string;
  readonly title: string;
  readonly about: string;
}

type LoadView = () => Promise<ComponentType>;

/** What is shown without an address. */
export const FIRST: Panel = {
  path: 'plugins',
  title: 'Plugins',
  about: 'Each runs isolated in a Web Worker of its own.',
  view: PluginsPanel,
};

/** All of them. */
export const PANELS: readonly Panel[] = [
  FIRST,
  {
    path: 'graph',
    title: 'Graph',
    about: 'Which plugin needs which, and the calls that go on now.',
    load: async () => (await import('./panels/graph.tsx')).GraphPanel,
  },
  {
    path: 'commands',
    title: 'Commands',
    about: 'Run any command of a plugin, and see the way of the call.',
    load: async () => (await import('./panels/commands.tsx')).CommandsPanel,
  },
  {
    path: 'compare',
    title: 'Compare',
    about: 'One command in several runtimes: the same plugin file, the same answer?',
    load: async () => (await import('./panels/compare.tsx')).ComparePanel,
  },
  {
    path: 'traces',
    title: 'Traces',
    about: 'The last calls, across plugins.',
    load: async () => (await import('./panels/traces.tsx')).TracesPanel,
  },
  {
    path: 'events',
    title: 'Events',
    about: 'What plugins and the kernel tell.',
    load: async () => (await import('./panels/events.tsx')).EventsPanel,
  },
  {
    path: 'permissions',
    title: 'Permissions',
    about: 'What each plugin may do, was refused, and has really used.',
    load: async () => (await import('./panels/permissions.tsx')).PermissionsPanel,
  },
  {
    path: 'chaos',
    title: 'Chaos',
    about: 'Break one plugin, and watch the others answer as before.',
    load: async () => (await import('./panels/chaos.tsx')).ChaosPanel,
  },
  {
    path: 'metrics',
    title: 'Metrics',
    about: 'What plugins cost, and what the kernel counts.',
    load: async () => (await import('./panels/metrics.tsx')).MetricsPanel,
  },
  {
    path: 'audit',
    title: 'Audit',
    about: 'What was decided about plugins and what they attempted, chained by hashes.',
    load: async () => (await import('./panels/audit.tsx')).AuditPanel,
  },
  {
    path: 'recordings',
    title: 'Recordings',
    about: 'Record what a plugin is given and answers, and replay it against a build of it.',
    load: async () => (await import('./panels/recordings.tsx')).RecordingsPanel,
  },
  {
    path: 'logs',
    title: 'Logs',
    about: 'The last entries of each plugin.',
    load: async () => (await import('./panels/logs.tsx')).LogsPanel,
  },
  {
    path: 'storage',
    title: 'Storage',
    about: 'What plugins keep in this browser.',
    load: async () => (await import('./panels/storage.tsx')).StoragePanel,
  },
  {
    path: 'settings',
    title: 'Settings',
    about: 'Configuration, from the schema of each plugin.',
    load: async () => (await import('./panels/settings.tsx')).SettingsPanel,
  },
  {
    path: 'health',
    title: 'Health',
    about: 'Each part of the kernel, with its reasons.',
    load: async () => (await import('./panels/health.tsx')).HealthPanel,
  },
];
