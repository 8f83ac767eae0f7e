/** Archives: the same bytes for the same files. Hostile ones are in test/kernel/archive.test.ts. */
import { expect, it } from 'vitest';
import { readArchive, writeArchive } from '../../cli/dist/index.js';

const files = new Map([
  ['plugin.json', '{}'],
  ['plugin.js', 'export default { activate() {} };\n'.repeat(50)],
  ['empty.txt', ''],
]);

it('an archive has the files that went in, whatever their order', async () => {
  const bytes = writeArchive(files);
  const read = await readArchive(bytes);
  expect([...read].map(([path, content]) => [path, Buffer.from(content).toString()])).toEqual(
    [...files].sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  expect(writeArchive(new Map([...files].reverse()))).toEqual(bytes);
});
