/** The elements of a frame, its focus and its look. */
import { documentsOf, type FrameDocuments, SANDBOX } from './frame-document.js';
import { adoptLook } from './look.js';
import { focusedBeside, shadowsAround } from './trees.js';

/** How a frame stands in the page. */
export interface FrameLabels {
  readonly heading: string | false;
  readonly title: string;
  /** The name of the button that leads into the frame. */
  readonly enter: string;
}

const TOKENS: readonly string[] = [
  ...['text', 'muted', 'surface', 'raised', 'border', 'accent', 'on-accent', 'good', 'warn', 'bad'],
];
const SPACES: readonly string[] = ['small', 'medium', 'large'];

/**
 * Owns a frame's elements. The frame can be used once its user turns to it, by the pointer or by
 * keys; else it is inert. A script that takes the focus all the same gets it taken away: browsers
 * let a frame do that, and then the next key would be its own.
 */
export class FrameBox {
  readonly section: HTMLElement;
  readonly #enter: HTMLButtonElement;
  readonly #labels: FrameLabels;
  readonly #signal: AbortSignal;
  readonly #onTheft: () => void;
  #frame: HTMLIFrameElement | undefined;
  /** What had the focus last, outside of the frame. */
  #focused: Element | null = null;

  /** @param onTheft the frame has taken the focus from the page. */
  constructor(page: Document, labels: FrameLabels, signal: AbortSignal, onTheft: () => void) {
    this.#onTheft = onTheft;
    this.#labels = labels;
    this.#signal = signal;
    this.section = page.createElement('section');
    this.section.setAttribute('data-plinth', 'view');
    this.section.setAttribute('aria-label', labels.title);
    if (labels.heading !== false) {
      const header = page.createElement('header');
      header.setAttribute('data-plinth', 'view-header');
      header.textContent = labels.heading;
      this.section.append(header);
    }
    this.#enter = page.createElement('button');
    this.#enter.type = 'button';
    this.#enter.setAttribute('data-plinth', 'frame-enter');
    this.#enter.textContent = labels.enter;
    this.section.append(this.#enter);
    this.#guard(page);
  }

  /** Shows a script, and answers the port to it. It ends what stood there. */
  async show(script: string, props: unknown): Promise<MessagePort> {
    const documents = await documentsOf(script);
    this.clear();
    const { port1, port2 } = new MessageChannel();
    this.#place(documents, props, port2);
    return port1;
  }

  /** Colours and spaces of the application, as the frame gets them. */
  look(): Readonly<Record<string, string>> {
    const style = this.section.ownerDocument.defaultView?.getComputedStyle(this.section);
    const value = (name: string) => style?.getPropertyValue(name).trim() ?? '';
    return {
      'color-scheme': value('color-scheme'),
      '--plinth-radius': value('--_radius'),
      '--plinth-font': value('--plinth-font') || value('font'),
      ...Object.fromEntries(TOKENS.map((one) => [`--plinth-color-${one}`, value(`--_${one}`)])),
      ...Object.fromEntries(SPACES.map((one) => [`--plinth-space-${one}`, value(`--_${one}`)])),
    };
  }

  /** The focus goes back into the page. */
  leave(): void {
    if (focusedBeside(this.section) !== this.#frame) return;
    this.#enter.focus();
    this.#rest();
  }

  /** Ends the frame, with all that runs in it. */
  clear(): void {
    this.#frame?.remove();
    this.#frame = undefined;
  }

  adoptLook(): void {
    adoptLook(this.section);
  }

  get #page(): Document {
    return this.section.ownerDocument;
  }

  #place({ outer, inner }: FrameDocuments, props: unknown, port: MessagePort): void {
    const { title } = this.#labels;
    const frame = this.#page.createElement('iframe');
    frame.setAttribute('data-plinth', 'frame');
    frame.setAttribute('sandbox', SANDBOX);
    frame.referrerPolicy = 'no-referrer';
    frame.title = title;
    frame.inert = true;
    frame.srcdoc = outer;
    frame.addEventListener(
      'load',
      () => {
        const given = { title, page: inner, props: JSON.stringify(props ?? null) };
        frame.contentWindow?.postMessage(given, '*', [port]);
      },
      { once: true, signal: this.#signal },
    );
    frame.addEventListener('blur', () => this.#rest(), { signal: this.#signal });
    frame.addEventListener('focus', () => this.#check(), { signal: this.#signal });
    this.#frame = frame;
    this.section.append(frame);
    // A document hears nothing of a move within a shadow tree.
    for (const root of shadowsAround(this.section))
      root.addEventListener('focusin', this.#moved, { signal: this.#signal });
  }

  #guard(page: Document): void {
    const signal = this.#signal;
    const wake = ({ isTrusted }: Event) => {
      if (isTrusted && this.#frame !== undefined) this.#frame.inert = false;
    };
    this.section.addEventListener('pointerdown', wake, { signal });
    this.section.addEventListener(
      'pointermove',
      (event) => {
        // A browser also tells of a pointer that rests while the page moves below it.
        if (event.movementX !== 0 || event.movementY !== 0) wake(event);
      },
      { signal },
    );
    this.section.addEventListener('pointerleave', () => this.#rest(), { signal });
    this.#enter.addEventListener(
      'click',
      (event) => {
        wake(event);
        // Firefox focuses nothing that was inert in the last frame.
        requestAnimationFrame(() => this.#frame?.focus());
      },
      { signal },
    );
    page.addEventListener('focusin', this.#moved, { signal });
    // The page loses the focus before it knows what has it.
    page.defaultView?.addEventListener('blur', () => setTimeout(() => this.#check()), { signal });
    // Keys of the page are typed somewhere else: only Tab may lead into the frame.
    page.addEventListener(
      'keydown',
      (event) => {
        if (event.key === 'Tab') wake(event);
        else this.#rest();
      },
      { capture: true, signal },
    );
    page.addEventListener('keyup', ({ key }) => key === 'Tab' && this.#rest(), {
      capture: true,
      signal,
    });
  }

  readonly #moved = ({ target }: Event): void => {
    // Outside of a shadow tree its host stands for all that is in it.
    const isInside = shadowsAround(this.section).some(({ host }) => host === target);
    if (target === this.#frame || isInside) return;
    this.#focused = target as Element;
    // Tab has gone by: what it leads to is typed into next.
    if (!this.section.contains(target as Node)) this.#rest();
  };

  #check(): void {
    const focused = focusedBeside(this.section);
    if (this.#frame === undefined || focused !== this.#frame || !this.#frame.inert) return;
    this.clear();
    (this.#focused as HTMLElement | null)?.focus();
    this.#onTheft();
  }

  #rest(): void {
    if (this.#frame !== undefined && focusedBeside(this.section) !== this.#frame)
      this.#frame.inert = true;
  }
}
