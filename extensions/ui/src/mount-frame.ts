/** `mountFrame`: a panel of a plugin that draws for itself, in a frame that it can't leave. */
import { createError } from '@plinth/sdk/contract';
import { contained } from './contained.js';
import { refuse, ViewRefused } from './fault.js';
import { FrameBox } from './frame-box.js';
import { Frame } from './frame-contract.js';
import { type FrameDeeds, FramePort, MESSAGE_MOST } from './frame-port.js';
import type { ViewKernel } from './view-kernel.js';
import { checkNames, nameOf, shownBy } from './view-names.js';
import type { ShownView, ViewOptions } from './view-options.js';

/** Options of {@link mountFrame}. */
export interface FrameOptions extends Pick<ViewOptions, 'plugin' | 'view' | 'props' | 'onState'> {
  /**
   * What stands above the frame, which the plugin can't write: a text, or false for nothing.
   * Default: the name of the plugin.
   */
  readonly heading?: string | false;
  /** The title of the frame, for screen readers. Default: the name of the plugin. */
  readonly title?: string;
  /** Milliseconds after which a frame that doesn't listen is ended. Default: 10 000. */
  readonly patience?: number;
  /** The name of the button that leads into the frame by keys. Default: `Open` and the title. */
  readonly enterLabel?: string;
}

/** Another version answers from then on, or a plugin that didn't answer may do so now. */
const AGAIN: ReadonlySet<string> = new Set([
  'plugin:reloaded',
  'plugin:updated',
  'plugin:rolled-back',
  'plugin:canary-promoted',
  'plugin:activated',
  'plugin:enabled',
]);
const TRIES = 3;
/** Milliseconds before the second try, and twice as many before the third. */
const WAIT = 50;
/** Milliseconds that a frame has to be shown before its faults are forgotten. */
const STEADY = 10_000;
/** Milliseconds for which a frame may be busy. */
const PATIENCE = 10_000;
/** Milliseconds for a frame to begin. */
const BEGIN_WITHIN = 10_000;

/**
 * Shows a frame in an element, and starts its plugin. It ends with its plugin, and is shown again
 * with the next version.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 * @example
 * const shown = mountFrame(main, kernel, { plugin: 'com.example.map', view: 'map' });
 * await shown.close();
 */
export function mountFrame(element: Element, kernel: ViewKernel, options: FrameOptions): ShownView {
  checkNames(options);
  const name = nameOf(kernel, options.plugin);
  const { heading = name, title = name, enterLabel = `Open ${title}` } = options;
  const end = new AbortController();
  const labels = { heading, title, enter: enterLabel };
  const theft = () => mounted.refuse('it takes the focus from the page');
  const box = new FrameBox(element.ownerDocument, labels, end.signal, theft);
  element.append(box.section);
  box.adoptLook();
  const mounted = new MountedFrame(kernel, options, box, end);
  return mounted;
}

type State = ShownView['state'];

class MountedFrame implements ShownView {
  readonly #kernel: ViewKernel;
  readonly #options: FrameOptions;
  readonly #box: FrameBox;
  readonly #end: AbortController;
  readonly #listening: readonly { dispose(): void }[];
  readonly #done: Promise<void>;
  #state: State = 'opening';
  #error: Error | undefined;
  #showing: AbortController | undefined;
  #port: FramePort | undefined;
  #wake: (() => void) | undefined;
  #late: ReturnType<typeof setTimeout> | undefined;
  /** When it was shown. */
  #since = Number.POSITIVE_INFINITY;
  /** Something has happened since the frame was asked for last. */
  #again = false;

  constructor(kernel: ViewKernel, options: FrameOptions, box: FrameBox, end: AbortController) {
    this.#kernel = kernel;
    this.#options = options;
    this.#box = box;
    this.#end = end;
    const changed = kernel.events.on('plugin:*', ({ topic, payload }) => {
      const { id } = Object(payload) as { readonly id?: unknown };
      if (id !== options.plugin || !AGAIN.has(topic)) return;
      // The start of a plugin that the frame itself has asked for changes nothing.
      if (this.#state === 'failed' ? !this.#isRefused(topic) : topic !== 'plugin:activated')
        this.#renew();
    });
    // A frame that has failed waits for its plugin, which a stopped kernel never starts.
    this.#listening = [changed, kernel.events.on('kernel:stopped', () => this.#finish())];
    const looks = new MutationObserver(() => this.#port?.look(box.look()));
    looks.observe(box.section.ownerDocument.documentElement, { attributes: true });
    this.#done = this.#run().finally(() => {
      end.abort();
      looks.disconnect();
      for (const one of this.#listening) one.dispose();
    });
  }

  get state(): State {
    return this.#state;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  retry(): void {
    if (this.#state === 'failed') this.#renew();
  }

  /** Ends what is shown, because it breaks the rules. */
  refuse(what: string): void {
    this.#showing?.abort(new ViewRefused(what, this.#options.plugin));
  }

  async close(): Promise<void> {
    this.#finish();
    await this.#done;
    this.#box.section.remove();
  }

  #finish(): void {
    this.#end.abort();
    this.#showing?.abort();
    this.#wake?.();
  }

  /** A frame that has broken the rules is shown again by another version alone. */
  #isRefused(topic: string): boolean {
    return this.#error !== undefined && isFinal(this.#error) && topic === 'plugin:activated';
  }

  #renew(): void {
    this.#again = true;
    this.#showing?.abort();
    this.#wake?.();
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    let faults = 0;
    while (!signal.aborted) {
      if (this.#again) faults = 0;
      this.#again = false;
      this.#since = Number.POSITIVE_INFINITY;
      this.#tell('opening');
      const error = await this.#show().then(
        () => new Error('the frame has ended'),
        (thrown: unknown) => thrown as Error,
      );
      if (signal.aborted) break;
      if (this.#again) continue;
      if ((error as { readonly code?: string }).code === 'kernel/stopped') break;
      faults = performance.now() - this.#since > STEADY ? 1 : faults + 1;
      const last = faults >= TRIES || isFinal(error);
      if (last) this.#tell('failed', error);
      await this.#pause(last ? undefined : WAIT * 2 ** faults);
    }
    this.#tell('closed');
  }

  /** Waits until something has happened, or for so many milliseconds. */
  async #pause(milliseconds: number | undefined): Promise<void> {
    if (this.#again || this.#end.signal.aborted) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (milliseconds !== undefined) timer = setTimeout(resolve, milliseconds);
    });
    clearTimeout(timer);
  }

  /** One showing. It ends with the stream of the plugin. @throws what has ended it. */
  async #show(): Promise<void> {
    const { plugin, view, props } = this.#options;
    const client = this.#kernel.client(Frame, shownBy(this.#kernel, Frame, plugin));
    const session = crypto.randomUUID();
    const showing = new AbortController();
    this.#showing = showing;
    const input = { session, view, ...(props !== undefined && { props }) };
    try {
      const stream = await client.open(input, { signal: showing.signal });
      const items = stream[Symbol.asyncIterator]();
      const stop = () => void items.return?.().catch(() => {});
      showing.signal.addEventListener('abort', stop, { once: true });
      try {
        for (let port: FramePort | undefined; ; ) {
          const { done, value } = await items.next();
          if (showing.signal.aborted) throw showing.signal.reason;
          if (done === true) return;
          checkText(value);
          if (port !== undefined) await port.message(value);
          else {
            const call: FrameDeeds['call'] = (name, given) =>
              client.call({ session, name, input: given });
            port = this.#begin(await this.#box.show(value, props), call, showing);
            this.#late = setTimeout(() => showing.abort(didNotBegin(view)), BEGIN_WITHIN);
          }
        }
      } finally {
        stop();
      }
    } catch (error) {
      // What has ended the frame says more than what its end has caused.
      throw showing.signal.aborted ? showing.signal.reason : error;
    } finally {
      showing.abort();
      clearTimeout(this.#late);
      this.#port?.end();
      this.#port = undefined;
      this.#box.clear();
    }
  }

  #begin(end: MessagePort, call: FrameDeeds['call'], showing: AbortController): FramePort {
    const port = new FramePort(end, {
      ready: () => {
        if (this.#state !== 'opening' || showing.signal.aborted) return;
        clearTimeout(this.#late);
        this.#since = performance.now();
        this.#watch(port, showing);
        port.look(this.#box.look());
        this.#tell('shown');
      },
      leave: () => this.#box.leave(),
      call,
      refused: (error) => showing.abort(error),
    });
    this.#port = port;
    // A frame that hears nothing must not hold up its own end.
    showing.signal.addEventListener('abort', () => port.end(), { once: true });
    return port;
  }

  /** A frame that never ends a turn is ended, and with it what it takes of the machine. */
  #watch(port: FramePort, showing: AbortController): void {
    const { patience = PATIENCE, plugin, view } = this.#options;
    let waits = false;
    const timer = setInterval(() => {
      if (waits) showing.abort(isSilent(plugin, view, patience));
      waits = true;
      port.ping(() => {
        waits = false;
      });
    }, patience);
    showing.signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  }

  #tell(state: State, error?: Error): void {
    this.#state = state;
    this.#error = error;
    this.#box.section.setAttribute('aria-busy', String(state === 'opening'));
    contained(() => this.#options.onState?.(state, error));
  }
}

/** @throws ViewRefused */
function checkText(text: unknown): asserts text is string {
  if (typeof text !== 'string' || text.length > MESSAGE_MOST)
    refuse(`what a frame gets is a text of at most ${MESSAGE_MOST} characters`);
}

/** A frame that breaks a rule, or never ends a turn, would do so again. */
const isFinal = (error: Error): boolean =>
  error instanceof ViewRefused ||
  (error as { readonly code?: string }).code === 'guest/unresponsive';

const isSilent = (plugin: string, view: string, patience: number): Error =>
  createError(
    'guest/unresponsive',
    `the frame '${view}' of ${plugin} has not listened for ${patience} ms`,
    {
      plugin,
    },
  );

const didNotBegin = (view: string): Error =>
  createError(
    'call/timeout',
    `the frame '${view}' has not begun within ${BEGIN_WITHIN} ms: does the policy of the page allow scripts in it?`,
  );
