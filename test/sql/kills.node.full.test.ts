/** `kill -9` of the database process, a hundred times. */
import { it } from 'vitest';
import { survivesKills } from './kills.ts';

it(
  'the database process can be killed a hundred times: nothing acknowledged is lost',
  () => survivesKills(100),
  300_000,
);
