/**
 * `@plinth/host-browser`: embed Plinth in a web page.
 *
 * @module
 */
export * from '@plinth/kernel';
export { type BrowserKernelOptions, createKernel } from './create-kernel.js';
export { type BrowserHostOptions, browserHost } from './host.js';
export { indexedDBStorage } from './indexeddb-storage.js';
export { urlSource } from './url-source.js';
