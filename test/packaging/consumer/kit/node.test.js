import { test } from 'node:test';
import { checkKit } from './check-kit.js';

test('the test kit', checkKit);
