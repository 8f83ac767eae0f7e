/**
 * What plugins behind a wall can't do, in every runtime that has walls, for the parts in which
 * engines may differ. The kernel refuses the other attacks.
 */
import { describe } from 'vitest';
import { suite } from '../security/attack.ts';
import { confusedDeputy } from '../security/deputy.ts';
import { dynamicCode } from '../security/dynamic-code.ts';
import { identity } from '../security/identity.ts';
import { pollution } from '../security/pollution.ts';
import { realm } from '../security/realm.ts';
import { has } from './gaps.ts';

// Tests for one kind of runtime aren't counted the same in all of them.
describe.skipIf(!(await has('wall')))('behind a wall', () => {
  for (const [name, attacks] of [realm, dynamicCode, pollution, identity, confusedDeputy])
    suite([name, attacks.filter(({ only }) => only === undefined)]);
});
