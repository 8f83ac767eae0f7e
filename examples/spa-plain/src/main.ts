import { createKernel } from '@plinth/host-browser';
import { Greeter } from '../plugins/greeter/src/contract.ts';

const kernel = await createKernel({
  plugins: ['/plugins/greeter/plugin.json'],
  data: 'spa-plain',
});
await kernel.start();

const form = document.querySelector('form');
const output = document.querySelector('output');
form?.addEventListener('submit', async (event) => {
  event.preventDefault();
  const who = String(new FormData(form).get('who'));
  const text = await kernel
    .client(Greeter)
    .greet(who)
    .catch((error) => error.message);
  if (output !== null) output.textContent = text;
});

// The plugin runs: from here on the form works.
document.querySelector('button')?.removeAttribute('disabled');
