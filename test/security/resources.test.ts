/** Attacks on time and memory; those that take seconds are in `resources.full.test.ts`. */
import { suite } from './attack.ts';
import { resources } from './resources.ts';

suite(resources);
