import { plinthPlugin } from '@plinth/cli/vite';
import { defineConfig } from 'vite';
import { headers } from './build/headers.ts';
import { offline } from './build/offline.ts';

export default defineConfig({
  // A missing file is a 404 and not the page.
  appType: 'mpa',
  plugins: [plinthPlugin(), headers(), offline()],
  build: { target: 'es2023', rolldownOptions: { input: ['index.html', 'twice.html'] } },
});
