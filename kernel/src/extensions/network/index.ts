/**
 * `@plinth/kernel/network`: the network, files and environment of the machine, for plugins that may
 * use them.
 *
 * @module
 */
import { makeExtension } from '../../extension/make-extension.js';

/**
 * Lets plugins use what the hosts offer of the machine, each request within their permissions.
 *
 * @example
 * const kernel = await createKernel({ extensions: [network()] });
 */
export const network = makeExtension({ name: 'network', uses: ['core'] }, () => ({
  install({ core }) {
    core.fill('machine', async () => {
      const { Network } = await import('./network.js');
      return ({ hosts }) => new Network(hosts);
    });
  },
}));
