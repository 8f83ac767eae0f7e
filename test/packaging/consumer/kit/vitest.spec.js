import { test } from 'vitest';
import { checkKit } from './check-kit.js';

test('the test kit', checkKit);
