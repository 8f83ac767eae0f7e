/** The kernel of this page, which lives as long as the page. */
import { createKernel } from '@plinth/host-browser';

export const kernel = await createKernel({
  plugins: ['/plugins/greeter/plugin.json'],
  data: 'spa-react',
});
await kernel.start();
