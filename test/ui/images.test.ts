/** Images by URL: fetched by the host within the plugin's `network.fetch`, and shown as bytes. */
import { openView } from '@plinth/ui/testing';
import { describe, expect, inject, it } from 'vitest';
import { createHost, runtime } from '#host';
import { startKernel } from '../support/kernels.ts';
import { PANEL, viewPackage } from './kernels.ts';
import pictures from './plugins/pictures.ts?bundle';

const start = async (view: string, urls: readonly string[], allowed = true) => {
  const kernel = await startKernel({ isolation: 'worker', createHost }, [
    viewPackage(pictures, {
      permissions: {
        contracts: { provide: ['plinth.view'] },
        ...(allowed && { network: { fetch: [inject('witness')] } }),
      },
    }),
  ]);
  const warned: string[] = [];
  kernel.events.on('log:written', ({ payload }) => {
    const { message } = payload as { readonly message?: string };
    if (message?.includes('is not shown')) warned.push(message);
  });
  const opened = await openView(kernel, { plugin: PANEL, view, props: { urls } });
  return { opened, warned };
};
const token = () => crypto.randomUUID();
const seen = async (id: string): Promise<readonly string[]> =>
  (await fetch(`${inject('witness')}/seen/${id}`)).json() as Promise<string[]>;

describe.each(['panel', 'preact'])(`${runtime}: an image by URL in %s`, (view) => {
  it('is shown as bytes, and fetched once', async () => {
    const id = token();
    const url = `${inject('witness')}/${id}/a.png`;
    const { opened } = await start(view, [url, url]);
    await expect.poll(() => opened.html().match(/src="data:image\/png;base64,/g)).toHaveLength(2);
    expect(opened.html()).not.toContain(id);
    await opened.press('again');
    expect(await seen(id)).toEqual([expect.stringMatching(/^GET .*a\.png$/)]);
    await opened.close();
  });

  it.each([
    ['that the plugin may not fetch', 'a.png', false],
    ['of SVG', 'a.svg', true],
    ['that is too large', 'a.gif', true],
  ])('%s is not shown', async (_, file, allowed) => {
    const id = token();
    const { opened, warned } = await start(
      view,
      [`${inject('witness')}/${id}/${file}`, `${inject('witness')}/${token()}/b.png`],
      allowed,
    );
    const count = allowed ? 1 : 0;
    await expect.poll(() => opened.html().match(/src=/g)?.length ?? 0).toBe(count);
    if (file !== 'a.svg') await expect.poll(() => warned.length).toBe(2 - count);
    expect(await seen(id)).toHaveLength(count);
    expect(opened.html()).not.toContain('svg');
    await opened.close();
  });

  it.each(['javascript:alert(1)', 'data:image/png;base64,AAAA', 'file:///etc/passwd', ''])(
    'of %j is not shown',
    async (url) => {
      const { opened, warned } = await start(view, [url]);
      if (url !== '') await expect.poll(() => warned.length).toBe(1);
      expect(opened.html()).not.toContain('src=');
      await opened.close();
    },
  );
});
