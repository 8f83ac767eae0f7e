/** What the admin API does with the data that plugins keep. */
import { refuse } from '../problem.js';
import { readLines, writeLines } from './data-lines.js';
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

/** Writes the values beside those that are there. When one can't be written, none is changed. */
async function importAll({ kernel, params: { id = '' }, body }: Asked) {
  checkStopped(kernel, id);
  const values = await readLines(id, String(body));
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

/** Operations on data. */
export const DATA_OPERATIONS: readonly Operation[] = [
  {
    method: 'GET',
    path: PATH,
    name: 'storage',
    role: 'operator',
    summary: 'The keys that a plugin keeps',
    query: ['prefix'],
    act: async ({ kernel, params: { id = '' }, query }) => ({
      keys: await kernel.storage.of(id).list(query.get('prefix') ?? ''),
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
      return textResponse(await writeLines(id, await kernel.storage.of(id).export()), LINES);
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
    summary: 'Deletes all that it keeps. The plugin is stopped',
    act: async ({ kernel, params: { id = '' } }) => {
      checkStopped(kernel, id);
      await kernel.storage.of(id).purge();
    },
  },
];
