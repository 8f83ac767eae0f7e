/** The playground: creates a kernel and shows everything that is known of it. */
import { render } from 'preact';
import { App } from './app.tsx';
import type { Inspector } from './model/inspector.ts';
import { prefetchIdly } from './panel-views.ts';
import { PANELS } from './panels.ts';
import { messageOf } from './parts/action.tsx';

const root = document.getElementById('app');
if (root === null) throw new Error('the page has no element #app');
const show = (inspector?: Inspector, problem?: string) =>
  render(<App inspector={inspector} problem={problem} />, root);

// The kernel is most of what is loaded, and the frame of the page needs nothing of it.
const loading = import('./model/inspector.ts');
let inspector: Inspector | undefined;
show();
try {
  inspector = await (await loading).Inspector.create();
  show(inspector);
  await inspector.start();
} catch (error) {
  show(inspector, messageOf(error));
}
await prefetchIdly(PANELS);
