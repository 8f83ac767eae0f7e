/** A process that adds to one key of a storage, as often as it is told, and says when it has ended. */
import { storageAt } from './storage-at.ts';

const [place, times] = process.argv.slice(2) as [string, string];
const storage = await storageAt(place);
for (let at = 0; at < Number(times); at += 1)
  await storage.update('count', (count) => ((count as number | undefined) ?? 0) + 1);
await storage.close();
