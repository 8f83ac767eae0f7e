import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    dir: 'test/vitest',
    // The first test also loads the kernel, which takes seconds on a busy machine.
    testTimeout: 30_000,
  },
});
