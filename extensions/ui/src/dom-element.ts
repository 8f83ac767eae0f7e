/** `<plinth-view>`: a view as an element, for pages and frameworks that write markup. */
import { type MountOptions, mountView } from './mount-view.js';
import type { ViewKernel } from './view-kernel.js';
import type { ShownView } from './view-options.js';

// Where there is no page, the class is only a name.
const Base = (typeof HTMLElement === 'function' ? HTMLElement : class {}) as typeof HTMLElement;

/**
 * Shows the view that its attributes `plugin` and `view` name, once it has a kernel. Its `title` is
 * that of the view. Its events are `plinth-state`, with the state as `detail`.
 *
 * @example
 * PlinthView.define();
 * const element = document.querySelector('plinth-view'); // <plinth-view plugin="com.example.notes" view="panel">
 * element.kernel = kernel;
 */
export class PlinthView extends Base {
  static readonly observedAttributes: readonly string[] = ['plugin', 'view', 'title'];
  static #defined = false;
  #kernel: ViewKernel | undefined;
  #props: unknown;
  #fallback: MountOptions['fallback'];
  #shown: ShownView | undefined;
  #planned = false;
  /** What is shown, by what decides it. */
  #wanted: readonly unknown[] = [];

  /** Registers the element under a name. Once it is registered, this does nothing. */
  static define(name = 'plinth-view'): void {
    if (customElements.get(name) !== undefined) return;
    // A page takes a class under one name.
    customElements.define(name, PlinthView.#defined ? class extends PlinthView {} : PlinthView);
    PlinthView.#defined = true;
  }

  /** Where its plugin runs. */
  get kernel(): ViewKernel | undefined {
    return this.#kernel;
  }
  set kernel(kernel: ViewKernel | undefined) {
    this.#kernel = kernel;
    this.#plan();
  }

  /** What the view gets. */
  get props(): unknown {
    return this.#props;
  }
  set props(props: unknown) {
    this.#props = props;
    this.#plan();
  }

  /** Makes what is shown in place of a view that has failed. Undefined: a notice in English. */
  get fallback(): MountOptions['fallback'] {
    return this.#fallback;
  }
  set fallback(fallback: MountOptions['fallback']) {
    this.#fallback = fallback;
    this.#plan();
  }

  /** Asks a view that has failed again. */
  retry(): void {
    this.#shown?.retry();
  }

  connectedCallback(): void {
    for (const name of ['kernel', 'props', 'fallback'] as const) this.#take(name);
    this.#plan();
  }

  disconnectedCallback(): void {
    this.#plan();
  }

  attributeChangedCallback(): void {
    this.#plan();
  }

  /** A property that was set before the element was defined hides the one of this class. */
  #take(name: 'kernel' | 'props' | 'fallback'): void {
    if (!Object.hasOwn(this, name)) return;
    const given: unknown = Reflect.get(this, name);
    Reflect.deleteProperty(this, name);
    Reflect.set(this, name, given);
  }

  /** Changes of one turn are one change. An element that only moves in the page stays as it is. */
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#renew();
    });
  }

  #renew(): void {
    const kernel = this.isConnected ? this.#kernel : undefined;
    const plugin = this.getAttribute('plugin') ?? '';
    const view = this.getAttribute('view') ?? '';
    const title = this.getAttribute('title');
    // Another function for the same purpose leaves the view as it is.
    const hasFallback = this.#fallback !== undefined;
    const wanted = [kernel, plugin, view, title, hasFallback, this.#props];
    if (wanted.every((one, at) => one === this.#wanted[at])) return;
    this.#wanted = wanted;
    void this.#shown?.close();
    this.#shown = undefined;
    if (kernel === undefined || plugin === '' || view === '') return;
    this.#shown = mountView(this, kernel, {
      plugin,
      view,
      ...(title !== null && { title }),
      ...(hasFallback && { fallback: (error) => this.#fallback?.(error) ?? error.message }),
      ...(this.#props !== undefined && { props: this.#props }),
      onState: (detail) => this.dispatchEvent(new CustomEvent('plinth-state', { detail })),
    });
  }
}
