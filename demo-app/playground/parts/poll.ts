/** Reads something again and again while it is shown. */
import { useEffect, useState } from 'preact/hooks';
import { messageOf } from './action.tsx';

/** What was read last, and why the last reading failed. */
export interface Polled<T> {
  readonly value: T | undefined;
  readonly failure: string | undefined;
}

/**
 * Reads at once and then every so many milliseconds, one reading at a time: while a plugin hangs,
 * an answer may take longer than that.
 *
 * @param key what is read; another key begins again.
 */
export function usePolled<T>(key: string, every: number, read: () => Promise<T>): Polled<T> {
  const [polled, setPolled] = useState<Polled<T>>({ value: undefined, failure: undefined });
  useEffect(() => {
    let shown = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = async () => {
      try {
        const value = await read();
        if (shown) setPolled({ value, failure: undefined });
      } catch (error) {
        if (shown) setPolled({ value: undefined, failure: messageOf(error) });
      }
      if (shown) timer = setTimeout(again, every);
    };
    void again();
    return () => {
      shown = false;
      clearTimeout(timer);
    };
  }, [key]);
  return polled;
}
