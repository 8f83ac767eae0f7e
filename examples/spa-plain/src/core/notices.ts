/** Notices of plugins and of the page, which go by themselves. */
import type { Notice } from '@plinth/ui/host';
import { Observable } from './observable.ts';

/** Milliseconds for which a notice is shown. */
const SHOWN = 8_000;
const MOST = 4;

/** What is shown of a notice. */
export type ShownNotice = Pick<Notice, 'name' | 'text' | 'tone'> & { readonly key: number };

/** Owns the notices that are shown. */
export class Notices {
  readonly list = new Observable<readonly ShownNotice[]>([]);
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #count = 0;

  readonly add = ({ name, text, tone }: Omit<ShownNotice, 'key'>): void => {
    const notice = { name, text, tone, key: ++this.#count };
    // What is said again stands there once.
    for (const one of this.list.value)
      if (one.name === name && one.text === text) this.close(one.key);
    this.list.set([...this.list.value, notice].slice(-MOST));
    this.#timers.set(
      notice.key,
      setTimeout(() => this.close(notice.key), SHOWN),
    );
  };

  close(key: number): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    this.list.set(this.list.value.filter((one) => one.key !== key));
  }

  /** Closes all of them. */
  clear(): void {
    for (const key of [...this.#timers.keys()]) this.close(key);
  }
}
