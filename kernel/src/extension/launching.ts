/** One launch of a guest through the wrappers of extensions. */
import { createError } from '@plinth/sdk/contract';
import { contained } from '../contained.js';
import type { Guest } from '../host.js';
import { bounded } from './bounded.js';
import type { LaunchView } from './views.js';

/** A wrapper around launching, of an extension. */
export interface Launch {
  readonly extension: string;
  wrap(request: LaunchView, next: () => Promise<Guest>): Promise<Guest>;
}

/** Owns the guests that the platform launches for one launch: usually one. */
export class Launching {
  readonly #wrappers: readonly Launch[];
  readonly #request: LaunchView;
  readonly #launch: () => Promise<Guest>;
  readonly #launched: { readonly coming: Promise<Guest>; guest?: Guest }[] = [];
  /** The extension that was entered last. */
  #inside: string;
  #isOver = false;

  constructor(wrappers: readonly Launch[], request: LaunchView, launch: () => Promise<Guest>) {
    this.#wrappers = wrappers;
    this.#request = request;
    this.#launch = launch;
    this.#inside = wrappers.map(({ extension }) => extension).join(', ');
  }

  /**
   * Answers the guest of the outermost wrapper. All others are ended, also those that come later.
   *
   * @param milliseconds the most that it may take.
   * @throws what a wrapper throws; PluginError `extension/failed` for one that hangs, or answers no
   * guest.
   */
  async run(milliseconds: number): Promise<Guest> {
    const { id } = this.#request.plugin;
    const launching = this.#enter(0);
    let used: Guest | undefined;
    try {
      const guest = await bounded(
        this.#inside,
        `launching ${id}`,
        id,
        milliseconds,
        () => launching,
      );
      if (!isGuest(guest)) throw this.#failed('answers no guest: it returns that of next()');
      used = guest;
      return guest;
    } finally {
      this.#isOver = true;
      this.#endOthers(used, launching);
    }
  }

  async #enter(index: number): Promise<Guest> {
    if (this.#isOver) throw this.#failed('calls next() when the launch is over');
    const wrapper = this.#wrappers[index];
    if (wrapper !== undefined) {
      this.#inside = wrapper.extension;
      return wrapper.wrap(this.#request, () => this.#enter(index + 1));
    }
    const coming = this.#launch();
    const launched: { readonly coming: Promise<Guest>; guest?: Guest } = { coming };
    this.#launched.push(launched);
    launched.guest = await coming;
    return launched.guest;
  }

  /** @param used the one that is kept. A wrapper's own is around the one that was launched last. */
  #endOthers(used: Guest | undefined, launching: Promise<Guest>): void {
    const all = this.#launched;
    const kept = used && (all.find(({ guest }) => guest === used) ?? all.at(-1));
    const others: Promise<Guest>[] = all.filter((one) => one !== kept).map(({ coming }) => coming);
    if (used === undefined) others.push(launching);
    const ignore = () => {};
    for (const one of others)
      one.then((guest) => isGuest(guest) && contained(() => guest.terminate(), ignore), ignore);
  }

  #failed(what: string): Error {
    const { id } = this.#request.plugin;
    const extension = this.#inside;
    return createError(
      'extension/failed',
      `the extension '${extension}', which wraps the launch of ${id}, ${what}`,
      { plugin: id, details: { extension } },
    );
  }
}

const isGuest = (guest: unknown): guest is Guest =>
  typeof (Object(guest) as Partial<Guest>).terminate === 'function';
