/** The host of the runtime under test: a browser. */
export { browserHost as createHost } from '@plinth/host-browser';
