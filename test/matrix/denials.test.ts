/** What plugins behind a wall try in vain, in every runtime that has one: what engines may differ in. The other attacks are for the kernel to refuse. */
import { describe } from 'vitest';
import { suite } from '../security/attack.ts';
import { dynamicCode } from '../security/dynamic-code.ts';
import { identity } from '../security/identity.ts';
import { confusedDeputy } from '../security/deputy.ts';
import { pollution } from '../security/pollution.ts';
import { realm } from '../security/realm.ts';
import { has } from './gaps.ts';

// What makes sense in one kind of runtime alone isn't counted the same in all of them.
describe.skipIf(!(await has('wall')))('behind a wall', () => {
  for (const [name, attacks] of [realm, dynamicCode, pollution, identity, confusedDeputy]) suite([name, attacks.filter(({ only }) => only === undefined)]);
});
