/** Permissions behind a wall. */
import { createHost } from '#host';
import { rights } from './permissions-conformance.ts';

rights({ isolation: 'sandbox', createHost });
