/** `views(ctx, …)`: the views of a plugin. */
import {
  type Call,
  type PluginContext,
  PluginOverloadedError,
  PluginPermissionError,
  PluginUnavailableError,
} from '@plinth/sdk';
import { type Child, wantedOf } from './child.js';
import { View } from './contract.js';
import { Pictures } from './pictures.js';
import { Reconciler } from './reconcile.js';
import { Session, type ViewSession } from './session.js';

/** One showing of a view. The same view may be shown several times. */
export interface Shown<P = unknown> {
  /** What the application passes to the view. */
  readonly props: P;
  /** Aborted when the view is shown no longer. */
  readonly signal: AbortSignal;
}

/** What an adapter for a framework makes. */
export interface Mount {
  /** Starts a showing. What it returns ends it. */
  mount(session: ViewSession, props: unknown): (() => void) | undefined;
}

/** A view: a function that is asked again after each handler, or what an adapter has made. */
export type ViewSource<P = never> = ((shown: Shown<P>) => Child) | Mount;

/** The views of a plugin, provided. */
export interface Views {
  /**
   * Renders what is shown again: all, or one view. Handlers do it by themselves; this is for changes
   * that come from elsewhere, like a timer or an event.
   */
  refresh(view?: string): void;
  /** Takes the views away. What is shown of them ends. */
  dispose(): void;
}

/** Showings of one plugin at once. */
const MOST_SHOWN = 64;

/**
 * Provides views. The manifest has `"provides": ["plinth.view@1"]` and the right
 * `"contracts": { "provide": ["plinth.view"] }`, and lists the views in `contributes.ui.views`.
 *
 * @example
 * let count = 0;
 * views(ctx, {
 *   counter: () => h('button', { onPress: () => { count += 1; } }, `Count ${count}`),
 * });
 */
export function views(
  ctx: Pick<PluginContext, 'fetch' | 'logger' | 'provide'>,
  sources: Readonly<Record<string, ViewSource>>,
): Views {
  const pictures = new Pictures(ctx);
  const open = new Map<string, { readonly session: Session; readonly view: string }>();
  const refresh = (view?: string): void => {
    for (const shown of open.values())
      if (view === undefined || view === shown.view) shown.session.refresh();
  };
  const registered = ctx.provide(View, {
    open({ session: name, view, props, counts }, call) {
      checkHost(call);
      const source = Object.hasOwn(sources, view) ? sources[view] : undefined;
      if (source === undefined)
        throw new PluginUnavailableError(
          'call/unknown-command',
          `no view '${view}': there are ${Object.keys(sources).join(', ')}`,
        );
      if (open.size >= MOST_SHOWN)
        throw new PluginOverloadedError(
          'call/overloaded',
          `the view '${view}' is one too many: ${MOST_SHOWN} are shown`,
        );
      const session = new Session(pictures, counts);
      const stop = (typeof source === 'function' ? asked(source) : source).mount(session, props);
      open.set(name, { session, view });
      session.signal.addEventListener('abort', () => {
        open.delete(name);
        stop?.();
      });
      return session;
    },
    async event({ session: name, node, name: event, detail, order }, call) {
      checkHost(call);
      const session = open.get(name)?.session ?? call.fail('stale', {});
      session.hear(order);
      try {
        const done = session.handlers.get(node)?.[event]?.(detail);
        // What the handler has done so far is seen before it has ended.
        refresh();
        await done;
      } finally {
        refresh();
      }
    },
  });
  return {
    refresh,
    dispose() {
      registered.dispose();
      for (const { session } of [...open.values()]) void session.return();
    },
  };
}

/**
 * A view acts with the rights of its plugin, for the user of the application. Another plugin that
 * pressed its buttons would borrow both.
 */
function checkHost({ caller }: Pick<Call, 'caller'>): void {
  if (caller.kind !== 'host')
    throw new PluginPermissionError(
      'permission/denied',
      `views are shown by the application alone, not by '${caller.id}'`,
    );
}

/** A source that is asked again whenever something may have changed. */
function asked(source: (shown: Shown<never>) => Child): Mount {
  return {
    mount(session, props) {
      const shown = new Reconciler(session);
      let dirty = true;
      session.flush = () => {
        if (!dirty) return;
        dirty = false;
        shown.show(wantedOf(source({ props: props as never, signal: session.signal })));
      };
      session.refresh = () => {
        dirty = true;
        session.changed();
      };
      return undefined;
    },
  };
}
