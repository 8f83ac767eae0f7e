/** Attacks that try to escape from the realm they run in. */
import { suite } from './attack.ts';
import { dynamicCode } from './dynamic-code.ts';
import { realm } from './realm.ts';

for (const one of [realm, dynamicCode]) suite(one);
