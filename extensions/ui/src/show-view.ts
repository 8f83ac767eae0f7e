/**
 * Shows a view for as long as it is wanted: opens it, opens it again when its plugin is replaced or
 * has crashed, and lets its plugin sleep while it is out of sight.
 */
import { contained } from './contained.js';
import { View } from './contract.js';
import { ViewRefused } from './fault.js';
import { Showing, type ViewRenderer } from './showing.js';
import type { ViewKernel } from './view-kernel.js';
import { shownBy } from './view-names.js';
import { type ShownView, type ViewOptions, type ViewState, viewSettings } from './view-options.js';

/** Another version answers from then on. */
const SWAPS: ReadonlySet<string> = new Set([
  'plugin:reloaded',
  'plugin:updated',
  'plugin:rolled-back',
  'plugin:canary-promoted',
]);
/** A plugin that didn't answer may do so now. */
const STARTS: ReadonlySet<string> = new Set(['plugin:activated', 'plugin:enabled']);
const TRIES = 3;
/** Milliseconds before the second try; twice as many before each further one. */
const WAIT = 50;
/** Milliseconds that a view has to be shown before its faults are forgotten. */
const STEADY = 10_000;

/** A view whose renderer says whether it is seen. */
export interface SeenView extends ShownView {
  /** A view that is not seen keeps what it shows, and its plugin may sleep. */
  see(seen: boolean): void;
}

/**
 * Shows a view by a renderer. `mountView` of `@plinth/ui/dom` and the components of
 * `@plinth/ui/react` do this with theirs.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function showView(
  kernel: ViewKernel,
  options: ViewOptions,
  renderer: ViewRenderer,
  seen = true,
): SeenView {
  return new Shower(kernel, options, renderer, seen);
}

class Shower implements SeenView {
  readonly #settings: ReturnType<typeof viewSettings>;
  readonly #kernel: ViewKernel;
  readonly #renderer: ViewRenderer;
  readonly #listening: readonly { dispose(): void }[];
  readonly #done: Promise<void>;
  #seen: boolean;
  #closed = false;
  #state: ViewState = 'opening';
  #error: Error | undefined;
  #showing: Showing | undefined;
  #swapped = false;
  /** Ends a wait. */
  #wake: (() => void) | undefined;
  #again = false;

  constructor(kernel: ViewKernel, options: ViewOptions, renderer: ViewRenderer, seen: boolean) {
    this.#settings = viewSettings(options);
    const { plugin } = this.#settings;
    this.#kernel = kernel;
    this.#renderer = renderer;
    this.#seen = seen;
    const changed = kernel.events.on('plugin:*', ({ topic, payload }) => {
      if ((payload as { readonly id?: unknown } | null)?.id !== plugin) return;
      if (SWAPS.has(topic)) this.#swap();
      else if (STARTS.has(topic) && !(this.#error instanceof ViewRefused)) this.retry();
    });
    // A view that has failed waits for its plugin, which a stopped kernel never starts.
    this.#listening = [changed, kernel.events.on('kernel:stopped', () => this.#finish())];
    this.#done = this.#run().finally(() => {
      for (const one of this.#listening) one.dispose();
    });
  }

  get state(): ViewState {
    return this.#state;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  retry(): void {
    if (this.#state !== 'failed') return;
    this.#again = true;
    this.#wake?.();
  }

  see(seen: boolean): void {
    if (this.#seen === seen) return;
    this.#seen = seen;
    if (seen) this.#wake?.();
    else this.#showing?.end();
  }

  async close(): Promise<void> {
    this.#finish();
    await this.#done;
  }

  #finish(): void {
    this.#closed = true;
    this.#showing?.end();
    this.#wake?.();
  }

  #swap(): void {
    this.#swapped = true;
    this.#again = true;
    this.#showing?.end();
    this.#wake?.();
  }

  async #run(): Promise<void> {
    let faults = 0;
    while (!this.#closed) {
      if (!this.#seen) {
        this.#tell('hidden');
        await this.#until(() => this.#seen);
        continue;
      }
      this.#tell('opening');
      const { error, lasted } = await this.#show();
      if (this.#closed) break;
      if (this.#swapped) {
        this.#swapped = false;
        faults = 0;
        this.#tell('swapped');
        continue;
      }
      if (!this.#seen) continue;
      if (isStop(error)) break;
      faults = lasted > STEADY ? 1 : faults + 1;
      if (faults < TRIES && !(error instanceof ViewRefused)) {
        await this.#until(() => this.#swapped, WAIT * 2 ** (faults - 1));
        continue;
      }
      this.#again = false;
      this.#tell('failed', error ?? new Error('the view has ended'));
      await this.#until(() => this.#again);
      faults = 0;
      this.#swapped = false;
    }
    this.#tell('closed');
  }

  /** One showing. */
  async #show(): Promise<{ readonly error: Error | undefined; readonly lasted: number }> {
    let since = Number.POSITIVE_INFINITY;
    const client = this.#kernel.client(View, shownBy(this.#kernel, View, this.#settings.plugin));
    const showing = new Showing(client, this.#settings, {
      shown: () => {
        since = performance.now();
        this.#tell('shown');
      },
      busy: (busy) => this.#tell(busy ? 'busy' : 'shown'),
      failed: (error) => contained(() => this.#settings.onError?.(error)),
    });
    this.#showing = showing;
    let error: Error | undefined;
    try {
      await showing.run(this.#renderer);
    } catch (thrown) {
      error = thrown as Error;
    }
    this.#showing = undefined;
    return { error, lasted: performance.now() - since };
  }

  #tell(state: ViewState, error?: Error): void {
    if (this.#state === 'closed') return;
    this.#state = state;
    this.#error = error;
    contained(() => this.#settings.onState?.(state, error));
  }

  /** Waits until it is so, until the view is closed, or for so many milliseconds. */
  async #until(isSo: () => boolean, milliseconds?: number): Promise<void> {
    let late = false;
    while (!this.#closed && !late && !isSo()) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (milliseconds !== undefined)
          timer = setTimeout(() => {
            late = true;
            resolve();
          }, milliseconds);
      });
      clearTimeout(timer);
    }
    this.#wake = undefined;
  }
}

/** A kernel that has stopped shows nothing, which is no fault of the view. */
const isStop = (error: Error | undefined): boolean =>
  (error as { readonly code?: string } | undefined)?.code === 'kernel/stopped';
