import { plinthPlugin } from '@plinth/cli/vite';

export default { plugins: [plinthPlugin()] };
