/** How far a plugin is trusted, in words: whose it is, and what the kernel knows of its package. */
import type { PluginView } from '@plinth/kernel/extension';
import { useEffect, useState } from 'preact/hooks';

/** What is known of the signature of a package. */
export type Signature = 'signed' | 'unsigned' | 'unknown';

/** The words. A signature is only named: this page trusts no key that it could be checked with. */
export function trustText(
  own: boolean,
  signature: Signature,
  level: PluginView['trust'] = undefined,
): string {
  const whose = own ? 'own' : signature === 'signed' ? 'signed, not checked here' : signature;
  return level === undefined ? whose : `${whose}, ${level}`;
}

/** Read once for each package: a server is asked for the file. */
const read = new WeakMap<object, Promise<Signature>>();

function signatureOf(found: NonNullable<PluginView['package']>): Promise<Signature> {
  const known = read.get(found);
  if (known !== undefined) return known;
  const asked: Promise<Signature> = Promise.resolve(found.signature?.()).then(
    (text) => (text === undefined ? 'unsigned' : 'signed'),
    () => 'unknown' as const,
  );
  read.set(found, asked);
  return asked;
}

/** The words for a plugin. The page's own need no signature, and none is looked for. */
export function useTrust(own: boolean, view: PluginView | undefined): string {
  const [signature, setSignature] = useState<Signature>('unknown');
  const found = own ? undefined : view?.package;
  useEffect(() => {
    let current = true;
    if (found !== undefined)
      void signatureOf(found).then((known) => current && setSignature(known));
    return () => {
      current = false;
    };
  }, [found]);
  return trustText(own, signature, view?.trust);
}
