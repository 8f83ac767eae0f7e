/** `mountView`: a view in an element of a page. */
import { listen } from './dom-events.js';
import { DomRenderer } from './dom-renderer.js';
import { KIT } from './kit.js';
import { adoptLook } from './look.js';
import { showView } from './show-view.js';
import { watchSight } from './sight.js';
import type { ViewKernel } from './view-kernel.js';
import { nameOf } from './view-names.js';
import type { ShownView, ViewOptions } from './view-options.js';

/** Options of {@link mountView}. */
export interface MountOptions extends ViewOptions {
  /**
   * What stands above the view, which the plugin can't write: a text, or false for nothing. Default:
   * the name of the plugin.
   */
  readonly heading?: string | false;
  /** The title of the view, for screen readers. Default: the name of the plugin. */
  readonly title?: string;
  /** What is shown in place of a view that has failed. Default: a notice in English. */
  readonly fallback?: (error: Error) => Node | string;
  /** The name of the button that closes a dialog. Default: `Close`. */
  readonly closeLabel?: string;
  /**
   * Milliseconds out of sight after which the plugin may sleep. What is shown stays, and is inert.
   * Infinity for never. Default: 10 000.
   */
  readonly hideAfter?: number;
  /** False: the application brings the whole look. Default: true. */
  readonly look?: boolean;
}

const HIDE_AFTER = 10_000;

/**
 * Shows a view in an element. Its plugin is started when the element is seen for the first time.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 * @example
 * const shown = mountView(aside, kernel, { plugin: 'com.example.notes', view: 'panel' });
 * await shown.close();
 */
export function mountView(element: Element, kernel: ViewKernel, options: MountOptions): ShownView {
  const { kit = KIT, closeLabel = 'Close', hideAfter = HIDE_AFTER, look = true } = options;
  const name = nameOf(kernel, options.plugin);
  const frame = frameOf(element.ownerDocument, name, options);
  const end = new AbortController();
  const renderer = new DomRenderer(frame.body, kit, closeLabel, end.signal);
  const shown = showView(
    kernel,
    {
      ...options,
      onState(state, error) {
        frame.section.setAttribute('aria-busy', String(state === 'busy' || state === 'opening'));
        frame.body.inert = state === 'hidden' || state === 'closed';
        if (state === 'failed') {
          renderer.clear();
          frame.body.append(fallbackOf(options, name, error as Error, element.ownerDocument));
        }
        // The kernel has stopped, or the view is closed: nothing of it listens any more.
        if (state === 'closed') end.abort();
        options.onState?.(state, error);
      },
    },
    {
      show(tree, send) {
        // What stands in for a failed view goes when the view is back.
        if (failed(frame.body)) frame.body.replaceChildren();
        return renderer.show(tree, send);
      },
      settle: (whole) => renderer.settle(whole),
    },
    false,
  );
  listen(frame.body, renderer, options, end.signal);
  element.append(frame.section);
  if (look) adoptLook(frame.section);
  watchSight(frame.section, hideAfter, end.signal, (seen) => shown.see(seen));
  return {
    get state() {
      return shown.state;
    },
    get error() {
      return shown.error;
    },
    retry: () => shown.retry(),
    async close() {
      end.abort();
      await shown.close();
      frame.section.remove();
    },
  };
}

function frameOf(
  page: Document,
  name: string,
  { heading = name, title = name }: MountOptions,
): { readonly section: HTMLElement; readonly body: HTMLElement } {
  const section = page.createElement('section');
  section.setAttribute('data-plinth', 'view');
  section.setAttribute('aria-label', title);
  if (heading !== false) {
    const header = page.createElement('header');
    header.setAttribute('data-plinth', 'view-header');
    header.textContent = heading;
    section.append(header);
  }
  const body = page.createElement('div');
  body.setAttribute('data-plinth', 'view-body');
  section.append(body);
  return { section, body };
}

const FALLBACK = 'data-plinth-fallback';

const failed = (body: Element): boolean => body.firstElementChild?.hasAttribute(FALLBACK) === true;

function fallbackOf(
  { fallback }: MountOptions,
  name: string,
  error: Error,
  page: Document,
): Element {
  const box = page.createElement('div');
  box.setAttribute(FALLBACK, '');
  box.setAttribute('role', 'alert');
  box.append(fallback?.(error) ?? `${name} can't be shown.`);
  return box;
}
