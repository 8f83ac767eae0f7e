/** `@plinth/ui/react` on a server, in each version of React: the frames of views, without a warning. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { expect, it, onTestFinished } from 'vitest';

const PAGE = `
  import { PluginView } from '@plinth/ui/react';
  import { createElement, version } from 'react';
  import { renderToString } from 'react-dom/server';
  export { version };
  const kernel = { plugins: { get: () => ({ name: 'Notes' }) } };
  const props = { kernel, plugin: 'test.notes', view: 'panel', loading: 'It comes.' };
  export const render = () => renderToString(createElement(PluginView, props));
`;

interface ServedPage {
  readonly version: string;
  render(): string;
}

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The page as a bundler makes it with the React of a folder. */
async function bundled(modules: string): Promise<ServedPage> {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-react-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const alias = Object.fromEntries(
    ['react', 'react-dom'].map((name) => [name, at(`${modules}/${name}`)]),
  );
  const page = 'page';
  const bundle = await rolldown({
    ...{ input: page, cwd: at('.'), platform: 'node', resolve: { alias } },
    plugins: [
      {
        name: page,
        resolveId: (id) => (id === page ? at('test/ui/page-of-server.js') : undefined),
        load: (id) => (id.endsWith('page-of-server.js') ? PAGE : undefined),
      },
    ],
  });
  const file = join(folder, 'page.mjs');
  await bundle.write({ file, codeSplitting: false });
  await bundle.close();
  return (await import(pathToFileURL(file).href)) as ServedPage;
}

it.each([
  ['18', 'test/react-18/node_modules'],
  ['19', 'node_modules'],
])('renders a view that has not come, with React %s', async (major, modules) => {
  const { version, render } = await bundled(modules);
  expect(version.split('.')[0]).toBe(major);
  const said: unknown[] = [];
  const { error } = console;
  console.error = (...what) => said.push(what);
  try {
    expect(render()).toContain('<div data-plinth="view-body">It comes.</div>');
  } finally {
    console.error = error;
  }
  expect(said).toEqual([]);
});
