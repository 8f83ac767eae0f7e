/** A page as its author writes it. Leaves in `outcome` what the plugin answered, or what went wrong. */
import { createKernel } from '@plinth/host-browser';
import { host } from './host.js';
import { run } from './run.js';

run((isolation) =>
  createKernel({ host: host(), plugins: ['/plugins/greeter/plugin.json'], isolation }),
).then((outcome) => {
  globalThis.outcome = outcome;
});
