/**
 * `@plinth/host-node`: embed Plinth in a Node service.
 *
 * @module
 */
export * from '@plinth/kernel';
export { type ConfigFileOptions, configFile } from './config-file.js';
export { createKernel, type NodeKernelOptions } from './create-kernel.js';
export { type DirectorySourceOptions, directorySource } from './directory-source.js';
export { type FileStorageOptions, fileStorage } from './file-storage.js';
export { type NodeHostOptions, nodeHost } from './host.js';
