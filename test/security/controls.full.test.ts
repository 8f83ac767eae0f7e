/**
 * The same attacks without a wall: each does what its witness looks for. And attacks against
 * isolations below the wall that must fail too.
 */
import { controls } from './attack.ts';
import { confusedDeputy } from './deputy.ts';
import { dynamicCode } from './dynamic-code.ts';
import { frames } from './frames.ts';
import { identity } from './identity.ts';
import { lifecycle } from './lifecycle.ts';
import { manifest } from './manifest.ts';
import { network } from './network.ts';
import { pollution } from './pollution.ts';
import { realm } from './realm.ts';
import { heavyResources, resources } from './resources.ts';
import { storage } from './storage.ts';

for (const one of [
  realm,
  dynamicCode,
  pollution,
  identity,
  storage,
  frames,
  network,
  manifest,
  lifecycle,
  confusedDeputy,
  resources,
  heavyResources,
])
  controls(one);
