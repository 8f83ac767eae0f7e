/** Makes the parts of the core that grants are. */
import type { Core } from '../../extension/core.js';
import { GrantBook } from './grant-book.js';
import { PermissionRequests } from './requests.js';

/** Keeps what was granted and revoked. */
export const makeBook = (core: Core): GrantBook =>
  new GrantBook({
    storage: core.storage,
    tenant: core.tenant,
    log: core.reporting.log,
    announce: core.reporting.announce,
    // The rights are made after their records.
    changed: (id) => core.rights.grants.changed(id),
  });

/** Asks the application about what plugins request. */
export const makeRequests = ({ rights, registry, bus, reporting }: Core): PermissionRequests =>
  new PermissionRequests({
    deciding: rights.deciding,
    grants: rights.grants,
    registry,
    bus,
    reporting,
  });
