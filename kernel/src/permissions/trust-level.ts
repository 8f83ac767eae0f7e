/** How far a plugin is trusted: the embedder's word, never the plugin's. */
export type TrustLevel = 'trusted' | 'partner' | 'untrusted';
