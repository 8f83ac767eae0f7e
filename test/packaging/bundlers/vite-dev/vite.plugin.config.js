import { defineConfig } from 'vite';

export default defineConfig({
  publicDir: false,
  build: {
    outDir: 'public/plugins/greeter',
    lib: { entry: 'plugin/index.js', formats: ['es'], fileName: () => 'plugin.js' },
  },
});
