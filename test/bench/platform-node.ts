/** The rows' runtime in Node. */

import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type NodeHostOptions, nodeHost } from '@plinth/host-node';
import type { Platform, Spares } from './platform.ts';
import { AUDIENCE, CROWD } from './settings.ts';

const PRELUDE = `const { parentPort } = require('node:worker_threads');
  const listenTo = (port, listener) => port.on('message', listener);
  const listen = (listener) => listenTo(parentPort, listener);
  const post = (message) => parentPort.postMessage(message);\n`;

/** Guests can't reach these: they are saved before they are hidden. */
const STASH =
  "Object.guestPort = require('node:worker_threads').parentPort; Object.exitThread = process.exit.bind(process);";

let started = 0;
process.on('worker', () => {
  started += 1;
});

export const nodePlatform: Platform = {
  name: 'node',
  crowd: CROWD,
  audience: AUDIENCE.node,
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
        const worker = new Worker(`${STASH} require(${JSON.stringify(fileURLToPath(entry))});`, {
          ...settings,
          eval: true,
        });
        onWorker({
          terminate: () => void worker.terminate(),
          ended: new Promise((resolve) => {
            for (const signal of ['error', 'exit'] as const)
              worker.on(signal, () => resolve(performance.now()));
          }),
        });
        return worker;
      },
    };
    return nodeHost(options);
  },
  selfMadeEnds: [
    { name: 'out of memory', code: 'let chain; for (;;) chain = { chain };' },
    { name: 'process.exit', code: 'Object.exitThread(7);' },
    { name: 'drained event loop', code: 'Object.guestPort.unref();' },
  ],
  cpuTime() {
    // Includes all threads, because the garbage of a call is collected on another thread.
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  workersStarted: () => started,
  everyTick(listener) {
    const timer = setInterval(listener, 1);
    return () => clearInterval(timer);
  },
};
