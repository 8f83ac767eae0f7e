/** The end of the database worker, a hundred times. */
import { it } from 'vitest';
import { survivesEnds } from './worker-ends.ts';
import { watchDatabaseWorkers } from './workers.ts';

const workers = watchDatabaseWorkers();

it(
  'the database worker can be ended a hundred times: nothing acknowledged is lost',
  () => survivesEnds(100, workers),
  300_000,
);
