/** Attacks through a plugin's claims, its lifecycle, and the plugins it calls. */
import { suite } from './attack.ts';
import { confusedDeputy } from './deputy.ts';
import { lifecycle } from './lifecycle.ts';
import { manifest } from './manifest.ts';

for (const one of [manifest, lifecycle, confusedDeputy]) suite(one);
