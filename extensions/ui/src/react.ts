/**
 * `@plinth/ui/react`: shows views of plugins in React, with the application's own components.
 *
 * @module
 */
import {
  createElement,
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { listen } from './dom-events.js';
import { KIT } from './kit.js';
import { adoptLook } from './look.js';
import { type Components, ShownRoot } from './react-elements.js';
import { PluginFrame } from './react-frame.js';
import { ReactRenderer } from './react-renderer.js';
import { type SeenView, showView } from './show-view.js';
import { watchSight } from './sight.js';
import type { ViewKernel } from './view-kernel.js';
import { nameOf } from './view-names.js';
import type { ViewOptions, ViewState } from './view-options.js';
import type { Workbench } from './workbench-api.js';

export type { Components, ElementProps } from './react-elements.js';
export { PluginFrame, type PluginFrameProps } from './react-frame.js';
export { stylesheet } from './stylesheet.js';

/** What all views of a slot share. */
export interface ViewLook
  extends Pick<ViewOptions, 'kit' | 'limits' | 'onLink' | 'onState' | 'onError'> {
  /** Components of the application, by the type of the element. The kit shows all others. */
  readonly components?: Components;
  /** What is shown in place of a view that has failed. */
  readonly fallback?: (error: Error, retry: () => void) => ReactNode;
  /** What is shown until the view has come. */
  readonly loading?: ReactNode;
  /** Milliseconds out of sight after which the plugin may sleep. Default: 10 000. */
  readonly hideAfter?: number;
  /** The name of the button that closes a dialog. Default: `Close`. */
  readonly closeLabel?: string;
  /** False: the application brings the whole look. Default: true. */
  readonly look?: boolean;
}

/** Props of {@link PluginView}. */
export interface PluginViewProps extends ViewLook {
  readonly kernel: ViewKernel;
  readonly plugin: string;
  readonly view: string;
  /** What the view gets. Only plain data: it is compared as JSON. */
  readonly props?: unknown;
  /** What stands above the view. Default: the name of the plugin. */
  readonly heading?: string | false;
  /** The title of the view, for screen readers. Default: the name of the plugin. */
  readonly title?: string;
}

/** Props of {@link PluginSlot}. */
export interface PluginSlotProps extends ViewLook {
  readonly kernel: ViewKernel;
  /** `kernel.extension(ui)`. */
  readonly workbench: Workbench;
  /** The slot. */
  readonly name: string;
}

const NONE: Components = Object.freeze({});
const HIDE_AFTER = 10_000;

/**
 * A view of a plugin.
 *
 * @example
 * <PluginView kernel={kernel} plugin="com.example.notes" view="panel" components={{ button: MyButton }} />
 */
export function PluginView(given: PluginViewProps): ReactNode {
  const { kernel, plugin, view } = given;
  // Elements of a view hold what was typed into it, which no other view may get.
  return createElement(OneView, { ...given, key: `${numberOf(kernel)} ${plugin} ${view}` });
}

/** Numbers of kernels, for keys. */
const numbers = new WeakMap<ViewKernel, number>();
let lastNumber = 0;

function numberOf(kernel: ViewKernel): number {
  const known = numbers.get(kernel);
  if (known !== undefined) return known;
  lastNumber += 1;
  numbers.set(kernel, lastNumber);
  return lastNumber;
}

function OneView(given: PluginViewProps): ReactNode {
  const { kernel, plugin, components = NONE, fallback, loading = null } = given;
  const name = nameOf(kernel, plugin);
  const { heading = name, title = name } = given;
  const [view] = useState(() => new ReactRenderer(given.kit ?? KIT, given.closeLabel ?? 'Close'));
  const { section, body, state, error, retry } = useShown(given, view);
  const root = useSyncExternalStore(
    view.onRoot,
    () => view.root,
    () => view.root,
  );
  const failed = state === 'failed' && error !== undefined;
  const stands =
    root === undefined ? loading : createElement(ShownRoot, { node: root, view, components });
  return createElement(
    'section',
    {
      ref: section,
      'data-plinth': 'view',
      'aria-label': title,
      'aria-busy': state === 'busy' || state === 'opening',
    },
    heading === false ? null : createElement('header', { 'data-plinth': 'view-header' }, heading),
    createElement(
      'div',
      { ref: body, 'data-plinth': 'view-body' },
      ...(failed
        ? [
            fallback?.(error, retry) ??
              createElement('div', { role: 'alert' }, `${name} can't be shown.`),
          ]
        : [stands]),
    ),
  );
}

interface Standing {
  readonly section: RefObject<HTMLElement | null>;
  readonly body: RefObject<HTMLDivElement | null>;
  readonly state: ViewState;
  readonly error: Error | undefined;
  readonly retry: () => void;
}

/** Shows a view while the component stands in the page. */
function useShown(given: PluginViewProps, renderer: ReactRenderer): Standing {
  const { kernel, plugin, view, hideAfter = HIDE_AFTER, look = true } = given;
  const [{ state, error }, tell] = useState<{ state: ViewState; error?: Error }>({
    state: 'hidden',
  });
  const section = useRef<HTMLElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const shown = useRef<SeenView>(undefined);
  // Functions of the application may be new at each render; the view stays open.
  const latest = useRef(given);
  useEffect(() => {
    latest.current = given;
  });
  const props = given.props === undefined ? undefined : JSON.stringify(given.props);
  useEffect(() => {
    const [frame, inside] = [section.current, body.current];
    if (frame === null || inside === null) return undefined;
    const { limits, kit } = latest.current;
    const end = new AbortController();
    let stands = true;
    renderer.watch(frame.ownerDocument, end.signal);
    const made = showView(
      kernel,
      {
        ...{ plugin, view },
        ...(props !== undefined && { props: JSON.parse(props) as unknown }),
        ...(limits !== undefined && { limits }),
        ...(kit !== undefined && { kit }),
        onError: (thrown) => latest.current.onError?.(thrown),
        onState(next, thrown) {
          if (next === 'closed') end.abort();
          // The end of this view says nothing of the one that has taken its place.
          if (stands) {
            // React 18 has no such prop. What asks for the focus when it is drawn can have it.
            inside.inert = next === 'hidden' || next === 'closed';
            tell({ state: next, ...(thrown !== undefined && { error: thrown }) });
          }
          latest.current.onState?.(next, thrown);
        },
      },
      renderer,
      false,
    );
    shown.current = made;
    const onLink = (url: URL) => latest.current.onLink?.(url) ?? true;
    listen(inside, renderer, { onLink }, end.signal);
    if (look) adoptLook(frame);
    watchSight(frame, hideAfter, end.signal, (seen) => made.see(seen));
    return () => {
      stands = false;
      end.abort();
      void made.close();
    };
  }, [kernel, plugin, view, props, hideAfter, look, renderer]);
  const retry = useCallback(() => shown.current?.retry(), []);
  return { section, body, state, error, retry };
}

/**
 * All views of a slot, as long as their plugins are enabled. One whose plugin has failed shows its
 * fallback.
 *
 * @example
 * <PluginSlot kernel={kernel} workbench={kernel.extension(ui)} name="sidebar" components={{ button: MyButton }} />
 */
export function PluginSlot({ workbench, name, ...look }: PluginSlotProps): ReactNode {
  const subscribe = useCallback(
    (listener: () => void) => {
      const listening = workbench.onChange(listener);
      return () => listening.dispose();
    },
    [workbench],
  );
  const version = () => workbench.version;
  useSyncExternalStore(subscribe, version, version);
  return workbench.views(name).map(({ plugin, id, title, frame }) => {
    const own = { key: `${plugin}/${id}`, plugin, view: id, title };
    if (frame !== true) return createElement(PluginView, { ...look, ...own });
    const { kernel, onState } = look;
    return createElement(PluginFrame, { ...own, kernel, ...(onState && { onState }) });
  });
}
