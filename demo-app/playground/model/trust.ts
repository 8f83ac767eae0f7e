/** How far a plugin is trusted, in words: whose it is, and the level that the kernel gives it. */
import type { PluginView } from '@plinth/kernel/extension';

/** A signature isn't looked for: this page trusts no key that it could be checked with. */
export function trustText(own: boolean, level: PluginView['trust']): string {
  const whose = own ? 'own' : 'from elsewhere, no signature is checked here';
  return level === undefined ? whose : `${whose}, ${level}`;
}
