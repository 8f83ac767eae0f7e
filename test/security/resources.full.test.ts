/** Attacks on time and memory that take seconds each. */
import { suite } from './attack.ts';
import { heavyResources } from './resources.ts';

suite(heavyResources);
