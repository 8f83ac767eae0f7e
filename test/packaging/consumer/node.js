import { createKernel } from '@plinth/host-node';

const kernel = await createKernel({ plugins: './plugins', data: './data' });
await kernel.start();
const answer = await kernel.commands.execute('example.greeter:greet', 'Ada');
const decorated = await kernel.hooks.collect('example.greeter:decorate', 'x');
await kernel.stop();
console.log(JSON.stringify({ answer, decorated }));
