/** What stands in for abilities that the kernel was made without: each request is refused. */
import { missingExtension } from '../absent-extension.js';
import type { Abilities } from './guest-services.js';

const refuse = async (name: string): Promise<never> => {
  throw missingExtension(name);
};

/** Without the extension `network`. */
export const NO_MACHINE: Abilities['machine'] = {
  environment() {
    throw missingExtension('network');
  },
  files: () => refuse('network'),
  fetch: () => refuse('network'),
};

/** Without the extension `secrets`. */
export const NO_SECRETS: Abilities['secrets'] = { get: () => refuse('secrets') };

/** Without the extension `messaging`. */
export const NO_MESSAGING: Abilities['messaging'] = {
  send: () => refuse('messaging'),
  route: () => refuse('messaging'),
};
