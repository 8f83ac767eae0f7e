/** Attacks on what only a process of Node has. */
import { suite } from './attack.ts';
import { powers } from './powers.ts';

suite(powers);
