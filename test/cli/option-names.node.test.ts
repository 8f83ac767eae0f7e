/** What the package offers to other tools refuses options that it doesn't know. */
import { expect, it } from 'vitest';
import { bundlePlugin, validatePlugin } from '../../cli/dist/index.js';
import { plinthPlugin } from '../../cli/dist/vite/index.js';

it.each<[string, (options: object) => unknown, object, string]>([
  ['bundlePlugin()', (options) => bundlePlugin('x', options), { minfy: false }, 'minify'],
  ['validatePlugin()', (options) => validatePlugin('x', options), { againts: 'x' }, 'against'],
  ['plinthPlugin()', (options) => plinthPlugin(options), { maxsize: 1 }, 'maxSize'],
])('%s names the option that was meant', async (of, call, options, meant) => {
  await expect((async () => call(options))()).rejects.toMatchObject({
    code: 'kernel/invalid-option',
    message: `${of} has no option '${Object.keys(options)[0]}' (did you mean '${meant}'?)`,
  });
});
