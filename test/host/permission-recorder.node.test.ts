/** The permission recorder over guests in processes of their own. */
import { nodeHost } from '@plinth/host-node';
import { permissionRecorderConformance } from './permission-recorder-conformance.ts';

permissionRecorderConformance('node process', { isolation: 'process', createHost: nodeHost });
