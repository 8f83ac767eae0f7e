/** Resource limits of plugins behind a wall. */
import { createHost } from '#host';
import { limits } from './resources-conformance.ts';

limits({ isolation: 'sandbox', createHost });
