/** What a Node process can do without a wall; and what Node's permission model blocks alone. */
import { controls } from './attack.ts';
import { powers } from './powers.ts';

controls(powers);
