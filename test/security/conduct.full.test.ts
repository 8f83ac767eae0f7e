/** Attacks through what a guest itself sends and calls. */
import { suite } from './attack.ts';
import { frames } from './frames.ts';
import { identity } from './identity.ts';
import { pollution } from './pollution.ts';
import { storage } from './storage.ts';

for (const one of [pollution, identity, storage, frames]) suite(one);
