/**
 * The steps of a plugin: what was asked of it, and what it does by itself because of what it needs.
 * Whatever asks for something writes it into the plugin's intent. The first row that fits a plugin
 * is its next step. A step changes one plugin and decides nothing about others: they look at its
 * record when it has changed.
 */
import type { Plugin } from '../plugin/plugin.js';
import { isAsleep } from '../plugin/record.js';
import { isPausePending, withdraw } from './intents.js';
import {
  failToResume,
  hasNeedsBack,
  pauseWithout,
  resumeWith,
  waitForNeeds,
} from './need-steps.js';
import { isUppermost } from './neighbours.js';
import type { Row, World } from './row.js';

export { hasNeedsBack } from './need-steps.js';
export type { Actions, Row, World } from './row.js';

/** States without a guest that was started. */
const AT_REST = [
  'discovered',
  'validated',
  'denied',
  'resolved',
  'unloaded',
  'failed',
  'suspended',
] as const;

const ANY = [...AT_REST, 'loaded', 'initialized', 'active'] as const;

const isWanted = ({ intent }: Plugin): boolean => intent.wantedBy !== undefined;

/** In the order in which they are looked at. */
export const TRANSITIONS: readonly Row[] = [
  {
    name: 'stop',
    asked: true,
    from: ANY,
    to: 'unloaded',
    event: 'plugin:unloaded',
    late: true,
    // Plugins that would lose it pause first, so that it still answers them.
    when: (plugin, { actions }) => plugin.intent.stop !== undefined && actions.isQuiet(plugin),
    run: (plugin, { actions }) => actions.stop(plugin),
    onFail: ({ intent }, _world, error) => {
      intent.stop?.over.reject(error);
      intent.stop = undefined;
    },
  },
  {
    name: 'exchange',
    asked: true,
    from: ANY,
    to: 'resolved',
    event: 'plugin:resolved',
    late: true,
    when: (plugin, { actions }) => {
      const { exchange } = plugin.intent;
      return exchange !== undefined && (!exchange.quiet || actions.isQuiet(plugin));
    },
    run: (plugin, { actions }) => actions.exchange(plugin),
  },
  {
    name: 'start',
    asked: true,
    from: ['resolved', 'unloaded', 'failed', 'discovered', 'validated', 'denied'],
    to: 'active',
    event: 'plugin:activated',
    late: true,
    when: isWanted,
    run: (plugin, { actions }) => actions.start(plugin),
  },
  {
    name: 'wake',
    asked: true,
    from: 'suspended',
    to: 'active',
    event: 'plugin:activated',
    late: true,
    when: (plugin) => isWanted(plugin) && isAsleep(plugin.record),
    run: (plugin, { actions }) => actions.start(plugin),
  },
  {
    name: 'resume',
    asked: true,
    from: ['suspended', 'active'],
    to: 'active',
    event: 'plugin:resumed',
    late: true,
    when: (plugin) => isWanted(plugin) && !isAsleep(plugin.record),
    run: (plugin, { actions }) => actions.start(plugin),
  },
  {
    name: 'replace',
    asked: true,
    from: ['active', 'suspended'],
    to: 'same',
    event: 'plugin:reloaded',
    late: true,
    when: ({ intent }) => intent.next !== undefined,
    run: (plugin, { actions }) => actions.replace(plugin),
  },
  {
    name: 'hibernate',
    asked: true,
    from: 'active',
    to: 'suspended',
    event: 'plugin:suspended',
    when: ({ intent }) => intent.sleep !== undefined,
    run: (plugin, { actions }) => actions.hibernate(plugin),
    // Its state can't be taken, so it stays awake.
    onFail: ({ intent }, _world, error) => {
      intent.sleep?.reject(error);
      intent.sleep = undefined;
    },
  },
  {
    name: 'pause',
    asked: true,
    from: 'active',
    to: 'suspended',
    event: 'plugin:suspended',
    when: ({ intent }) => isPausePending(intent.pausedBy),
    run: (plugin, { actions }) => actions.pause(plugin),
    // The plugin refuses to pause, and goes on.
    onFail: ({ intent }, _world, error) =>
      withdraw(intent.pausedBy, (pending) => pending.reject(error)),
  },
  {
    name: 'pause without a need',
    from: 'active',
    to: 'suspended',
    event: 'plugin:suspended',
    // Plugins above it pause first, so that it still answers their `suspend` hooks. Plugins that
    // need each other have different levels, too.
    when: (plugin, { ledger, relations }) =>
      plugin.record.state === 'active' &&
      relations.lost(plugin.record) !== undefined &&
      isUppermost(plugin, ledger.registry, relations),
    run: pauseWithout,
  },
  {
    name: 'decline',
    asked: true,
    from: ANY,
    to: 'same',
    late: true,
    when: ({ intent, starting, record }, { actions }) =>
      (intent.sleep !== undefined ||
        intent.next !== undefined ||
        isPausePending(intent.pausedBy)) &&
      (actions.isOver() ||
        (starting === undefined && (AT_REST as readonly string[]).includes(record.state))),
    run: (plugin, { actions }) => actions.decline(plugin),
  },
  {
    name: 'wait for its needs',
    from: 'suspended',
    to: 'same',
    // Nothing else pauses it any more, and it can't go on: it resumes when what it lacks is back.
    when: ({ record, intent, starting }, { relations }) =>
      record.state === 'suspended' &&
      !isAsleep(record) &&
      record.reason !== 'dependency' &&
      starting === undefined &&
      intent.released &&
      relations.lost(record) !== undefined,
    run: waitForNeeds,
  },
  {
    name: 'resume with its needs',
    from: 'suspended',
    to: 'active',
    event: 'plugin:resumed',
    when: ({ record }, { relations }) =>
      record.state === 'suspended' &&
      !isAsleep(record) &&
      record.reason === 'dependency' &&
      relations.lost(record) === undefined,
    run: resumeWith,
    onFail: failToResume,
  },
  {
    name: 'restart',
    from: ANY,
    to: 'active',
    event: 'plugin:restarted',
    // Supervision has planned it after a crash, and its time has come.
    when: ({ intent: { restart } }) =>
      restart !== undefined && restart.due === undefined && !restart.begun,
    run: (plugin, { actions }) => actions.restart(plugin),
  },
  {
    name: 'retry with its needs',
    from: 'failed',
    to: 'resolved',
    when: (plugin, world) => !plugin.retried && hasNeedsBack(plugin, world),
    run: (plugin, world) => {
      if (plugin.record.state !== 'failed') return;
      plugin.retried = true;
      world.ledger.put(plugin.record.previous);
      world.offer(plugin);
    },
  },
];

/** The step that is due for a plugin. */
export function dueStep(
  plugin: Plugin,
  world: World,
  table: readonly Row[] = TRANSITIONS,
): Row | undefined {
  return table.find((row) => fits(row, plugin, world));
}

/** Whether a row is due for a plugin. */
export function fits({ from, when }: Row, plugin: Plugin, world: World): boolean {
  const { state } = plugin.record;
  return (typeof from === 'string' ? from === state : from.includes(state)) && when(plugin, world);
}
