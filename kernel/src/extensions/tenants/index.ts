/**
 * `@plinth/kernel/tenants`: tenants by list. They are created and deleted by name, and others are
 * refused.
 *
 * @module
 */
import { checkOptionNames, createError, DEFAULT_TENANT, messageOf } from '@plinth/sdk/contract';
import { checkKind } from '../../extension/check-arguments.js';
import { makeExtension } from '../../extension/make-extension.js';
import type { TenantLike, Tenants, TenantsOptions } from './api.js';
import { Book, isKept } from './book.js';

export type {
  CreateTenant,
  DeleteTenant,
  ListTenants,
  TenantInfo,
  TenantLike,
  Tenants,
  TenantsOptions,
} from './api.js';

/** Tenants, if an option doesn't say otherwise. */
const MOST = 10_000;

/**
 * Tenants by list: `kernel.tenant(id)` then refuses an id that was not created, with
 * `extension/failed`. `createKernel({ tenants: 'only' })` beside it starts no plugin in the default
 * tenant until it is asked for by name.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 * @example
 * const kernel = await createKernel({ plugins, data, tenants: 'only', extensions: [tenants()] });
 * await kernel.start();
 * const customers = kernel.extension(tenants).manage(kernel);
 * await customers.create('acme', { config: { 'com.example.notes': { max: 10 } } });
 * await customers.get('acme').commands.execute('com.example.notes:add', note);
 */
export const tenants = makeExtension(
  { name: 'tenants', uses: ['core', 'documents'] },
  (options: TenantsOptions = {}) => {
    checkOptionNames('tenants()', options, ['most']);
    const { most = MOST } = options;
    if (!Number.isSafeInteger(most) || most < 1)
      throw createError(
        'kernel/invalid-option',
        `tenants(): 'most' is a whole number of at least 1, not ${messageOf(most)}`,
        { details: { option: 'most' } },
      );
    // All tenants of the kernel share it.
    const book = new Book(most);
    return {
      install({ tenant, core, documents, on, own, log }) {
        const isRoot = tenant === DEFAULT_TENANT;
        if (isRoot) {
          const kept = documents.open({
            name: 'list',
            per: 'tenant',
            version: 1,
            parse: isKept,
          });
          const failed = (id: string, error: unknown) =>
            log.error(`the tenant '${id}' could not be deleted: ${messageOf(error)}`);
          on('open', () => book.open(kept, core.base.storage, failed));
        } else {
          book.begin(tenant);
          own(() => book.end(tenant));
        }
        return {
          /** Manages the tenants of the kernel that has this extension. */
          manage<T extends TenantLike>(kernel: { tenant(id: string): T }): Tenants<T> {
            if (!isRoot)
              throw createError(
                'kernel/invalid-option',
                `the tenant '${tenant}' manages no tenants: ask the kernel itself`,
                { details: { option: 'tenant' } },
              );
            checkKind('tenants.manage()', "'kernel.tenant'", Object(kernel).tenant, 'function');
            const manager = async () => new (await import('./manager.js')).Manager(kernel, book);
            return {
              list: async (what) => (await manager()).list(what),
              get: (id) => {
                book.check(id);
                return kernel.tenant(id);
              },
              create: async (id, what) => (await manager()).create(id, what),
              delete: async (id, how) => (await manager()).delete(id, how),
              start: async () => (await manager()).start(),
            };
          },
        };
      },
    };
  },
);
