/** What stands in the address after `#/`: a panel, and what is chosen in it. */
import { useEffect, useState } from 'preact/hooks';

/** A place of the page. */
export interface Address {
  readonly panel: string;
  /** Empty when nothing is. */
  readonly chosen: string;
}

/** The address of something in a panel. */
export const addressOf = (panel: string, chosen: string): string =>
  `#/${panel}/${encodeURIComponent(chosen)}`;

/** Reads an address. What can't be decoded chooses nothing. */
export function readAddress(hash: string): Address {
  // What stands behind a question mark is the panel's own.
  const [path = ''] = hash.split('?', 1);
  const [, panel = '', chosen = ''] = path.split('/');
  try {
    return { panel, chosen: decodeURIComponent(chosen) };
  } catch {
    return { panel, chosen: '' };
  }
}

/** The address of the page, as it is now. */
export function useAddress(): Address {
  const [hash, setHash] = useState(() => location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return readAddress(hash);
}
