/** What the admin API does with the data that plugins keep. */
import { DataLinesError, readData, writeData } from '@plinth/kernel/data';
import { refuse } from '../problem.js';
import { type AdminKernel, type Asked, type Operation, textResponse } from './operation.js';

const LINES = 'application/x-ndjson';
const PATH = 'plugins/:id/storage';

/** A plugin that runs would write between the steps. @throws Refusal 409. */
function checkStopped({ plugins }: AdminKernel, id: string): void {
  const state = plugins.get(id)?.state;
  if (state === 'active' || state === 'suspended')
    throw refuse(
      409,
      'plugin/illegal-transition',
      'The plugin runs, and might write meanwhile: disable it first.',
    );
}

/**
 * The data of a plugin that is installed, or has left some. That of any other id is nothing, and an
 * operator would take a slip of the pen for a plugin without data.
 *
 * @throws Refusal 404.
 */
async function keptOf({ plugins, storage }: AdminKernel, id: string) {
  const known = plugins.get(id) !== undefined;
  if (!known && !(await plugins.leftovers()).some(({ plugin }) => plugin === id))
    throw refuse(404, 'plugin/not-found', 'This plugin is not installed, and has left no data.');
  return storage.of(id);
}

/** @throws Refusal 422. */
async function valuesIn(plugin: string, text: string): Promise<ReadonlyMap<string, unknown>> {
  try {
    return await readData(plugin, text);
  } catch (error) {
    if (!(error instanceof DataLinesError)) throw error;
    const why = `The data can't be imported: ${error.message}.`;
    throw refuse(422, 'http/data', `${why} Send what an export has answered.`);
  }
}

/** Writes the values beside those that are there. When one can't be written, none is changed. */
async function importAll({ kernel, params: { id = '' }, body }: Asked) {
  checkStopped(kernel, id);
  const values = await valuesIn(id, String(body));
  const storage = kernel.storage.of(id);
  const before = await storage.export();
  try {
    await storage.import(values);
  } catch (error) {
    await storage.purge();
    await storage.import(before);
    throw error;
  }
  return { keys: values.size };
}

/** How many keys each plugin keeps, of those that were uninstalled, too. */
async function allKept({ kernel: { plugins, storage } }: Asked) {
  // What is listed has an id of any form while its manifest can't be read.
  const ids = new Set(plugins.list().flatMap(({ id, manifest }) => (manifest ? [id] : [])));
  const kept: { plugin: string; keys: number; installed: boolean }[] = [];
  for (const plugin of ids)
    kept.push({ plugin, keys: (await storage.of(plugin).list()).length, installed: true });
  for (const { plugin, keys } of await plugins.leftovers())
    kept.push({ plugin, keys, installed: false });
  return { plugins: kept };
}

/** Of an uninstalled plugin there may also be secrets, settings and grants. */
async function purge({ kernel, params: { id = '' } }: Asked): Promise<void> {
  const { plugins } = kernel;
  if ((await plugins.leftovers()).some(({ plugin }) => plugin === id))
    return plugins.uninstall(id, { purge: true });
  const kept = await keptOf(kernel, id);
  checkStopped(kernel, id);
  await kept.purge();
}

/** Operations on data. */
export const DATA_OPERATIONS: readonly Operation[] = [
  {
    method: 'GET',
    path: 'storage',
    name: 'storage',
    role: 'operator',
    summary: 'How many keys each plugin keeps, also those that were uninstalled',
    act: allKept,
  },
  {
    method: 'GET',
    path: PATH,
    name: 'storage',
    role: 'operator',
    summary: 'The keys that a plugin keeps',
    query: ['prefix'],
    act: async ({ kernel, params: { id = '' }, query }) => ({
      keys: await (await keptOf(kernel, id)).list(query.get('prefix') ?? ''),
    }),
  },
  {
    method: 'GET',
    path: `${PATH}/export`,
    name: 'storage.export',
    role: 'admin',
    summary: 'All that it keeps, as lines of JSON',
    type: LINES,
    act: async ({ kernel, params: { id = '' } }) => {
      const kept = await keptOf(kernel, id);
      return textResponse(await writeData(id, await kept.export()), LINES);
    },
  },
  {
    method: 'POST',
    path: `${PATH}/import`,
    name: 'storage.import',
    role: 'admin',
    summary: 'Keeps what an export has, or nothing of it. The plugin is stopped',
    body: 'lines',
    act: importAll,
  },
  {
    method: 'DELETE',
    path: PATH,
    name: 'storage.purge',
    role: 'admin',
    summary: 'Deletes all that it keeps. The plugin is stopped, or uninstalled',
    act: purge,
  },
];
