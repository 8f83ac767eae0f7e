import plugin from 'plinth:../plugins/__WORD__';
import { hotSwap } from '@plinth/cli/vite/client';
import { createKernel } from '@plinth/host-browser';
import { __NAME__ } from '../plugins/__WORD__/src/contract.ts';

const kernel = await createKernel({ sources: [plugin], data: '__WORD__-page' });
hotSwap(kernel, plugin);
await kernel.start();
const { text, times } = await kernel.client(__NAME__).greet({ name: 'Ada' });
const shown = document.querySelector('#text');
if (shown !== null) shown.textContent = `${text} (${times} times)`;
