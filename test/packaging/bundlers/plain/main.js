import { host } from './host.js';
import { createKernel } from './plinth/standalone.js';
import { run } from './run.js';

globalThis.outcome = await run((isolation) =>
  createKernel({ host: host(), plugins: ['/plugins/greeter/plugin.json'], isolation }),
);
