/** The rows' runtime in Node. */

import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type NodeHostOptions, nodeHost } from '@plinth/host-node';
import type { Platform, Spares } from './platform.ts';
import { CROWD } from './settings.ts';

const PRELUDE = `const { parentPort } = require('node:worker_threads');
  const listenTo = (port, listener) => port.on('message', listener);
  const listen = (listener) => listenTo(parentPort, listener);
  const post = (message) => parentPort.postMessage(message);\n`;

let started = 0;
process.on('worker', () => {
  started += 1;
});

export const nodePlatform: Platform = {
  name: 'node',
  crowd: CROWD.node,
  startWorker(code) {
    const worker = new Worker(PRELUDE + code, { eval: true });
    return {
      post: (message, transfer = []) => worker.postMessage(message, transfer as never),
      listen: (listener) => worker.on('message', listener),
      terminate: async () => void (await worker.terminate()),
    };
  },
  createHost(spares) {
    const options: NodeHostOptions & Spares = spares === undefined ? {} : { spares };
    return nodeHost(options);
  },
  createWatchedHost(onWorker) {
    const entry = new URL(import.meta.resolve('@plinth/host-node/plugin-worker'));
    const options: NodeHostOptions & Spares = {
      spares: 0,
      createWorker(settings) {
        const worker = new Worker(fileURLToPath(entry), settings);
        onWorker({
          terminate: () => void worker.terminate(),
          ended: new Promise((resolve) => worker.on('exit', () => resolve(performance.now()))),
        });
        return worker;
      },
    };
    return nodeHost(options);
  },
  selfMadeEnds: [
    { name: 'process.exit', code: "(await import('node:process')).default.exit(7);" },
    {
      name: 'drained event loop',
      code: "(await import('node:worker_threads')).parentPort.unref();",
    },
  ],
  cpuTime() {
    // Includes all threads, because the garbage of a call is collected on another thread.
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  workersStarted: () => started,
};
