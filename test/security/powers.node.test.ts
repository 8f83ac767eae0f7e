/** Attacks on what only a Node process has. */
import { suite } from './attack.ts';
import { powers } from './powers.ts';

suite(powers);
