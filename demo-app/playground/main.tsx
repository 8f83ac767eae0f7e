/** The playground: creates a kernel and shows everything that is known of it. */
import { render } from 'preact';
import { App } from './app.tsx';
import { Inspector } from './model/inspector.ts';
import { messageOf } from './parts/action.tsx';

const root = document.getElementById('app');
if (root === null) throw new Error('the page has no element #app');
try {
  const inspector = await Inspector.create();
  render(<App inspector={inspector} />, root);
  await inspector.start();
} catch (error) {
  render(<p class="problem panel">The kernel did not start: {messageOf(error)}</p>, root);
}
