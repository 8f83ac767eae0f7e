/** Attacks that try to be heard outside without the kernel. */
import { suite } from './attack.ts';
import { network } from './network.ts';

suite(network);
