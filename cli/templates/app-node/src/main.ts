import { createKernel } from '@plinth/host-node';
import { __NAME__ } from '../plugins/__WORD__/src/contract.ts';

const kernel = await createKernel({ plugins: './dist/plugins', data: './data' });
kernel.events.on(__NAME__.greeted, ({ name }) => console.log('greeted:', name));
await kernel.start();
const { text, times } = await kernel.client(__NAME__).greet({ name: 'Ada' });
console.log(`${text} (${times} times)`);
await kernel.stop();
