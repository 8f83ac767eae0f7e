/** `<plinth-view>`: a view as an element, for pages and frameworks that write markup. */
import { mountView } from './mount-view.js';
import type { ViewKernel } from './view-kernel.js';
import type { ShownView } from './view-options.js';

// Where there is no page, the class is only a name.
const Base = (typeof HTMLElement === 'function' ? HTMLElement : class {}) as typeof HTMLElement;

/**
 * Shows the view that its attributes name, once it has a kernel. Its events are `plinth-state`, with
 * the state as `detail`.
 *
 * @example
 * PlinthView.define();
 * const element = document.querySelector('plinth-view'); // <plinth-view plugin="com.example.notes" view="panel">
 * element.kernel = kernel;
 */
export class PlinthView extends Base {
  static readonly observedAttributes: readonly string[] = ['plugin', 'view'];
  #kernel: ViewKernel | undefined;
  #props: unknown;
  #shown: ShownView | undefined;
  #planned = false;
  /** What is shown, by what decides it. */
  #wanted: readonly unknown[] = [];

  /** Registers the element under a name. Once it is registered, this does nothing. */
  static define(name = 'plinth-view'): void {
    if (customElements.get(name) === undefined) customElements.define(name, PlinthView);
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

  connectedCallback(): void {
    this.#plan();
  }

  disconnectedCallback(): void {
    this.#plan();
  }

  attributeChangedCallback(): void {
    this.#plan();
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
    const wanted = [kernel, plugin, view, this.#props];
    if (wanted.every((one, at) => one === this.#wanted[at])) return;
    this.#wanted = wanted;
    void this.#shown?.close();
    this.#shown = undefined;
    if (kernel === undefined || plugin === '' || view === '') return;
    this.#shown = mountView(this, kernel, {
      plugin,
      view,
      ...(this.#props !== undefined && { props: this.#props }),
      onState: (detail) => this.dispatchEvent(new CustomEvent('plinth-state', { detail })),
    });
  }
}
