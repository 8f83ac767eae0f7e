/** Options of a view that is shown, and what it says of itself. */
import { KIT, type Kit } from './kit.js';
import { limitsOf, type ViewLimits } from './limits.js';
import { checkNames } from './view-names.js';

/**
 * `opening`: its plugin is asked, and started if it has to be. `busy`: a press has no answer for a
 * second. `swapped`: its plugin was replaced, and the next version is asked. `hidden`: it is out of
 * sight, and its plugin may sleep. `failed`: it stays so until `retry()` or until its plugin starts
 * again.
 */
export type ViewState = 'opening' | 'shown' | 'busy' | 'swapped' | 'hidden' | 'failed' | 'closed';

/** Which view is shown, and how. */
export interface ViewOptions {
  readonly plugin: string;
  /** Its id in `contributes.ui.views`. */
  readonly view: string;
  /** What the view gets. */
  readonly props?: unknown;
  readonly limits?: Partial<ViewLimits>;
  /** The elements that it may use. Default: `KIT`. */
  readonly kit?: Kit;
  /** A link is followed. False keeps the browser from it. */
  readonly onLink?: (url: URL) => boolean;
  readonly onState?: (state: ViewState, error?: Error) => void;
  /** A handler of the plugin has failed. The view stays. */
  readonly onError?: (error: Error) => void;
}

/** A view that is shown. */
export interface ShownView {
  readonly state: ViewState;
  /** Why it has failed, while it has. */
  readonly error: Error | undefined;
  /** Asks a view that has failed again. */
  retry(): void;
  /** Ends it, and resolves when nothing of it is left. */
  close(): Promise<void>;
}

/** Checked options. */
export interface ViewSettings extends Omit<ViewOptions, 'limits' | 'kit'> {
  readonly limits: ViewLimits;
  readonly kit: Kit;
}

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function viewSettings(options: ViewOptions): ViewSettings {
  checkNames(options);
  const { limits, kit = KIT } = options;
  return { ...options, kit, limits: limitsOf(limits) };
}
