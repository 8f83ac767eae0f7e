/** A service as its author writes it. */
import { createKernel } from '@plinth/host-node';
import { run } from './run.js';

console.log(
  JSON.stringify(await run((isolation) => createKernel({ plugins: './dist/plugins', isolation }))),
);
