/** What a process of Node does with what it has where no wall is; and what Node's permission model holds alone. */
import { controls } from './attack.ts';
import { powers } from './powers.ts';

controls(powers);
