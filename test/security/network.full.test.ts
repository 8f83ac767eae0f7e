/** Attacks that try to reach the network without the kernel. */
import { suite } from './attack.ts';
import { network } from './network.ts';

suite(network);
