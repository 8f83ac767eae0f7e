/** What plugins behind a wall try in vain, in every runtime that has one. */
import { describe } from 'vitest';
import { suite } from '../security/attack.ts';
import { dynamicCode } from '../security/dynamic-code.ts';
import { frames } from '../security/frames.ts';
import { identity } from '../security/identity.ts';
import { lifecycle } from '../security/lifecycle.ts';
import { manifest } from '../security/manifest.ts';
import { confusedDeputy } from '../security/deputy.ts';
import { pollution } from '../security/pollution.ts';
import { storage } from '../security/storage.ts';
import { realm } from '../security/realm.ts';
import { has } from './gaps.ts';

// What makes sense in one kind of runtime alone isn't counted the same in all of them.
describe.skipIf(!(await has('wall')))('behind a wall', () => {
  for (const [name, attacks] of [realm, dynamicCode, pollution, identity, storage, frames, manifest, lifecycle, confusedDeputy])
    suite([name, attacks.filter(({ only }) => only === undefined)]);
});
