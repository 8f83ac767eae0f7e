/** Attacks by what a plugin claims, how it lives, and whom it asks. */
import { suite } from './attack.ts';
import { confusedDeputy } from './deputy.ts';
import { lifecycle } from './lifecycle.ts';
import { manifest } from './manifest.ts';

for (const one of [manifest, lifecycle, confusedDeputy]) suite(one);
