/** How far a plugin is trusted. The embedder decides this, never the plugin. */
export type TrustLevel = 'trusted' | 'partner' | 'untrusted';

/**
 * The same, as far as it is known. `undecided`: no decision exists. `unknown`: the signature has
 * still to be checked.
 */
export type TrustVerdict = TrustLevel | 'undecided' | 'unknown';
