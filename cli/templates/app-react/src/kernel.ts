import plugin from 'plinth:../plugins/__WORD__';
import { hotSwap } from '@plinth/cli/vite/client';
import { createKernel } from '@plinth/host-browser';

/** Lives as long as the page. Components come and go. */
export const kernel = await createKernel({ sources: [plugin], data: '__WORD__-page' });
hotSwap(kernel, plugin);
await kernel.start();
