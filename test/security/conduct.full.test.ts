/** Attacks by what a guest sends and calls itself. */
import { suite } from './attack.ts';
import { frames } from './frames.ts';
import { identity } from './identity.ts';
import { pollution } from './pollution.ts';
import { storage } from './storage.ts';

for (const one of [pollution, identity, storage, frames]) suite(one);
