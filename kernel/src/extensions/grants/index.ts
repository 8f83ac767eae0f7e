/**
 * `@plinth/kernel/grants`: rights that are granted and revoked while the kernel runs.
 *
 * @module
 */
import { makeExtension } from '../../extension/make-extension.js';

export type {
  PermissionAnswer,
  PermissionHandler,
  PermissionQuestion,
  PermissionRequest,
  RequestOptions,
} from '../../permissions/asking.js';
export type { GrantOptions, RefusedRight } from '../../permissions/grant-records.js';

/**
 * Keeps what the application grants and revokes beside manifests, and asks it about what plugins
 * request (`kernel.permissions`).
 *
 * @example
 * const kernel = await createKernel({ extensions: [grants()] });
 * await kernel.permissions.revoke('com.example.notes', 'network.fetch');
 */
export const grants = makeExtension({ name: 'grants', uses: ['core'] }, () => ({
  install({ core }) {
    core.fill('grants', async () => (await import('./making.js')).makeBook);
    core.fill('requests', async () => (await import('./making.js')).makeRequests);
  },
}));
