/**
 * `@plinth/ui/testing`: views of a plugin in a test, without a page.
 *
 * @module
 */
import { createError } from '@plinth/sdk/contract';
import type { PropValue } from './checks.js';
import { View } from './contract.js';
import type { EventDetail, HostNode, SendEvent } from './host-node.js';
import { htmlOf } from './markup.js';
import type { ShapeScope } from './shape.js';
import { Showing } from './showing.js';
import type { ViewKernel } from './view-kernel.js';
import { shownBy } from './view-names.js';
import { type ViewOptions, type ViewSettings, viewSettings } from './view-options.js';

export type { ViewKernel, ViewOptions };

/** A view in a test. Elements are found by their label, or by the text in them. */
export interface OpenedView {
  /** The texts that are shown, with a space between them. */
  text(): string;
  /** What a server would send. */
  html(): string;
  /**
   * Presses a button, an item or a tab, and waits for its handler.
   *
   * @throws what the handler has thrown; Error when there is no such element.
   */
  press(name: string): Promise<void>;
  /**
   * Writes into a field, or chooses: a text, a number for a slider, a boolean for a checkbox. It is
   * heard as `input`, then as `change`.
   *
   * @throws as `press`.
   */
  enter(label: string, value: PropValue): Promise<void>;
  /**
   * Brings rows of a list or a table into sight that has a `count`, and waits for its handler.
   *
   * @param label of the list or the table.
   * @param from the first row, from 0. It and the 49 behind it are asked for.
   * @throws as `press`.
   */
  scroll(label: string, from: number): Promise<void>;
  /**
   * Waits until the view shows a text.
   *
   * @param within milliseconds; 10 000 when absent.
   * @throws PluginTimeoutError `call/timeout` that says what is shown.
   */
  shows(text: string, within?: number): Promise<void>;
  close(): Promise<void>;
}

const clientOf = (kernel: ViewKernel, plugin: string) =>
  kernel.client(View, shownBy(kernel, View, plugin));

/** Milliseconds. */
const WITHIN = 10_000;
/** Rows that are in sight. */
const ROWS_SEEN = 50;
/** Milliseconds for a view to be shown: its plugin may have to be started. */
const OPENING = 30_000;
const SCOPE: ShapeScope = { uid: 'plinth', words: { close: 'Close' } };

/**
 * Opens a view, and resolves when it is shown. A fault of the view makes what waits for it reject.
 *
 * @throws ViewRefused `view/refused`, or why the plugin has not answered.
 * @example
 * const view = await openView(kernel, { plugin: 'com.example.counter', view: 'counter' });
 * await view.press('More');
 * await view.shows('Count 1');
 * await view.close();
 */
export async function openView(kernel: ViewKernel, options: ViewOptions): Promise<OpenedView> {
  const view = new TestedView(kernel, viewSettings(options));
  await view.until(() => view.isShown, OPENING, 'a view');
  return view;
}

class TestedView implements OpenedView {
  readonly #settings: ViewSettings;
  readonly #showing: Showing;
  readonly #done: Promise<void>;
  #root: HostNode | undefined;
  #send: SendEvent | undefined;
  #fault: unknown;
  #handlerFault: unknown;
  readonly #waiting = new Set<() => void>();

  constructor(kernel: ViewKernel, settings: ViewSettings) {
    this.#settings = settings;
    this.#showing = new Showing(clientOf(kernel, settings.plugin), settings, {
      shown() {},
      busy() {},
      failed: (error) => {
        this.#handlerFault = error;
      },
    });
    this.#done = this.#run();
  }

  get isShown(): boolean {
    return this.#root !== undefined;
  }

  text(): string {
    return textsOf(this.#root).join(' ');
  }

  html(): string {
    return this.#root === undefined ? '' : htmlOf(this.#root, this.#settings.kit, SCOPE);
  }

  async press(name: string): Promise<void> {
    await this.#tell(this.#find(name, 'press'), 'press');
  }

  async enter(label: string, value: PropValue): Promise<void> {
    const node = this.#find(label, 'input', 'change');
    for (const name of ['input', 'change'])
      if (node.events.includes(name)) await this.#tell(node, name, value);
  }

  async scroll(label: string, from: number): Promise<void> {
    await this.#tell(this.#find(label, 'range'), 'range', { from, to: from + ROWS_SEEN });
  }

  async shows(text: string, within = WITHIN): Promise<void> {
    await this.until(() => this.text().includes(text), within, `'${text}'`);
  }

  async close(): Promise<void> {
    this.#showing.end();
    await this.#done;
  }

  /** @throws the fault of the view, PluginTimeoutError. */
  async until(isSo: () => boolean, within: number, what: string): Promise<void> {
    const end = performance.now() + within;
    while (!isSo()) {
      if (this.#fault !== undefined) throw this.#fault;
      const left = end - performance.now();
      if (left <= 0)
        throw createError(
          'call/timeout',
          `${what} did not show in ${within} ms: '${this.text().slice(0, 1_000)}'`,
        );
      await this.#change(left);
    }
  }

  /** Resolves at the next change, or after so many milliseconds. */
  #change(within: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, within);
      this.#waiting.add(done);
    });
  }

  async #run(): Promise<void> {
    const tell = () => this.#tick();
    const listener = { insert: tell, remove: tell, text: tell, change: tell, move: tell };
    try {
      await this.#showing.run({
        show: (tree, send) => {
          this.#root = tree.root;
          this.#send = send;
          tell();
          return listener;
        },
      });
      this.#fault = new Error('the view has ended');
    } catch (error) {
      this.#fault = error;
    }
    tell();
  }

  #tick(): void {
    for (const done of [...this.#waiting]) done();
  }

  async #tell(node: HostNode, name: string, detail?: EventDetail): Promise<void> {
    this.#handlerFault = undefined;
    await this.#send?.(node, name, detail);
    if (this.#handlerFault !== undefined) throw this.#handlerFault;
  }

  #find(name: string, ...events: readonly string[]): HostNode {
    const known: string[] = [];
    const search = (node: HostNode): HostNode | undefined => {
      if (events.some((event) => node.events.includes(event)) && node.props.disabled !== true) {
        const called = String(node.props.label ?? textsOf(node).join(' '));
        if (called === name) return node;
        known.push(called);
      }
      for (const kid of node.kids) {
        const found = search(kid);
        if (found !== undefined) return found;
      }
      return undefined;
    };
    const found = this.#root && search(this.#root);
    if (found !== undefined) return found;
    throw new Error(
      `the view has no '${name}' that hears ${events.join(' or ')}: ${known.join(', ')}`,
    );
  }
}

function textsOf(node: HostNode | undefined): readonly string[] {
  if (node === undefined) return [];
  if (node.type === '#text') return [node.text];
  const { label, text } = node.props;
  const own = [label, text].filter((one) => typeof one === 'string');
  return [...own, ...node.kids.flatMap(textsOf)];
}
