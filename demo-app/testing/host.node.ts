/** The host of the runtime under test: Node. */
export { nodeHost as createHost } from '@plinth/host-node';
