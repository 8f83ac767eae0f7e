import { checkKit } from './check-kit.js';

// Jest has it as a global.
test('the test kit', checkKit);
