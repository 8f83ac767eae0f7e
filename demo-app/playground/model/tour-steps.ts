/**
 * The steps of the guided tour. Each knows by itself when it is done: by what the kernel has told,
 * not by a button.
 */
import { isByHand, type Span } from '../kernel/trace.ts';
import { plainText } from './show-value.ts';

/** Something that has happened. Times are milliseconds of `performance.now()`. */
export type Fact =
  | {
      readonly kind: 'event';
      /** When it was heard. */
      readonly at: number;
      readonly topic: string;
      readonly payload: Readonly<Record<string, unknown>>;
    }
  /** A call that has ended. `at` is when it began. */
  | { readonly kind: 'call'; readonly at: number; readonly span: Span };

/** What a step sees. */
export interface Seen {
  /** Oldest first, also those from before the step. */
  readonly facts: readonly Fact[];
  /** Those that began in the step. */
  readonly fresh: readonly Fact[];
  /** Comparisons that have ended in the step. */
  readonly compared: number;
  /** Whether refusals of a plugin are listed. */
  refused(plugin: string): boolean;
}

/** One step. */
export interface Step {
  readonly name: 'run' | 'break' | 'recover' | 'deny' | 'swap' | 'show' | 'compare';
  readonly title: string;
  /** What to do, and what to see in it. */
  readonly text: string;
  /** The panel where it is done, as it stands in the address. */
  readonly panel: string;
  /** What has happened, in words. Undefined while the step is not done. */
  done(seen: Seen): string | undefined;
}

/** The plugin that misbehaves. */
export const ROGUE = 'demo.rogue';
/** The plugin that counts. */
export const CLOCK = 'demo.clock';

/** Topics that steps look at. */
export const TOPICS: ReadonlySet<string> = new Set([
  'plugin:crashed',
  'plugin:restarted',
  'plugin:reloaded',
  'permission:requested',
  `${CLOCK}:tick`,
]);

/** All steps, in their order. */
export const STEPS: readonly Step[] = [
  {
    name: 'run',
    title: 'Run a command',
    text:
      'Press Run. The call crosses into the worker of a plugin, and each value is checked on ' +
      'its way. The answer stands beside it, with the way of the call.',
    panel: 'commands',
    done: ran,
  },
  {
    name: 'break',
    title: 'Break a plugin',
    text: 'Crash the rogue. It throws where nothing catches, so its worker ends.',
    panel: 'chaos',
    done: broke,
  },
  {
    name: 'recover',
    title: 'See it recover',
    text:
      'The kernel starts the rogue again by itself, while the other plugins answer. Crash it ' +
      'once more to see it.',
    panel: 'chaos',
    done: recovered,
  },
  {
    name: 'deny',
    title: 'Deny a right',
    text:
      'Choose Rogue, let it ask for a right, and refuse. The refusal is kept and listed ' +
      'among its rights.',
    panel: 'permissions',
    done: denied,
  },
  {
    name: 'swap',
    title: 'Swap a plugin',
    text:
      'The clock counts its ticks in memory. When it has ticked, reload it: the next guest ' +
      'goes on counting where the last one was.',
    panel: 'plugins',
    done: swapped,
  },
  {
    name: 'show',
    title: 'Use a view',
    text:
      'Press a button in the view of a plugin, such as Tick now. The page draws the view; ' +
      'the plugin runs in its worker and hears of the press.',
    panel: 'views',
    done: showed,
  },
  {
    name: 'compare',
    title: 'Compare two runtimes',
    text:
      'Run one command in two runtimes. The same bundle answers in both, and the answers ' +
      'stand side by side.',
    panel: 'compare',
    done: ({ compared }) => (compared > 0 ? 'The command has run in both runtimes.' : undefined),
  },
];

const calls = (facts: readonly Fact[]): readonly Span[] =>
  facts.flatMap((fact) => (fact.kind === 'call' && fact.span.ok === true ? [fact.span] : []));

type EventFact = Extract<Fact, { readonly kind: 'event' }>;

const events = (facts: readonly Fact[], topic: string, id?: string): readonly EventFact[] =>
  facts.filter(
    (fact): fact is EventFact =>
      fact.kind === 'event' && fact.topic === topic && (id === undefined || fact.payload.id === id),
  );

function ran({ fresh }: Seen): string | undefined {
  const span = calls(fresh).find(isByHand);
  return span && `${plainText(span.target, 80)} has answered in ${timeOf(span)}.`;
}

function broke({ fresh }: Seen): string | undefined {
  const crash = events(fresh, 'plugin:crashed', ROGUE)[0];
  return crash && `${ROGUE} has crashed: ${plainText(crash.payload.message, 120)}.`;
}

/** The crash may be that of the step before; what counts is that another plugin answered meanwhile. */
function recovered({ facts, fresh }: Seen): string | undefined {
  for (const back of events(fresh, 'plugin:restarted', ROGUE)) {
    const crash = events(facts, 'plugin:crashed', ROGUE).findLast(({ at }) => at <= back.at);
    if (crash === undefined) continue;
    const other = calls(facts).find(
      ({ provider, started }) =>
        provider !== ROGUE && provider !== 'host' && started >= crash.at && started <= back.at,
    );
    if (other !== undefined)
      return `${ROGUE} runs again after ${Math.round(back.at - crash.at)} ms. Meanwhile ${plainText(other.provider, 60)} has answered in ${timeOf(other)}.`;
  }
  return undefined;
}

function denied({ fresh, refused }: Seen): string | undefined {
  const request = events(fresh, 'permission:requested').find(
    ({ payload: { granted, plugin } }) => granted === false && refused(String(plugin)),
  );
  if (request === undefined) return undefined;
  const { plugin, permission, scope } = request.payload;
  return `${plainText(plugin, 60)} did not get ${plainText(permission, 40)} ${plainText(scope, 60)}, and its refusal is listed.`;
}

/** A guest without the state would begin with 1 again. */
function swapped({ facts, fresh }: Seen): string | undefined {
  const reload = events(fresh, 'plugin:reloaded', CLOCK).at(-1);
  if (reload === undefined) return undefined;
  const ticks = events(facts, `${CLOCK}:tick`);
  const before = ticks.findLast(({ at }) => at < reload.at)?.payload.ticks;
  const after = ticks.find(({ at }) => at >= reload.at)?.payload.ticks;
  return typeof before === 'number' && typeof after === 'number' && after > 1 && after >= before
    ? `${CLOCK} was replaced after tick ${before}, and has gone on with tick ${after}.`
    : undefined;
}

/** How a view is called: of a version, or as `plinth.view:event@<plugin>`. */
const PRESS = /^plinth\.view:event(@|$)/;

function showed({ fresh }: Seen): string | undefined {
  const span = calls(fresh).find(({ target, caller }) => PRESS.test(target) && caller === 'host');
  return span && `${plainText(span.provider, 60)} has answered the press in ${timeOf(span)}.`;
}

const timeOf = ({ took = 0 }: Span): string => `${took.toFixed(1)} ms`;
