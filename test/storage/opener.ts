/** A process that opens a data folder, possibly as another user, and reports the result. */
import { fileStorage } from '@plinth/host-node';
import type { PluginError } from '@plinth/sdk';

const [folder, mode, user = '0'] = process.argv.slice(2) as [
  string,
  'open' | 'grow' | 'many',
  string?,
];
// After the imports, because another user may not read this program.
if (user !== '0') process.setuid?.(Number(user));

const started = performance.now();
const outcome: Record<string, unknown> = {};
try {
  const storage = await fileStorage(folder);
  if (mode === 'grow') {
    await storage.set('doc', 'old');
    try {
      await storage.set('doc', new Uint8Array(3_000_000));
    } catch (error) {
      Object.assign(outcome, {
        code: (error as PluginError).code,
        reason: (error as PluginError).details.reason,
      });
    }
    outcome.kept = await storage.get('doc');
  }
  if (mode === 'many') {
    await Promise.all(
      Array.from({ length: 2_000 }, (_, index) => storage.set(`key ${index}`, index)),
    );
    outcome.kept = (
      await Promise.all((await storage.keys('')).map((key) => storage.get(key)))
    ).length;
  }
  await storage.close();
} catch (error) {
  const { code, message, details } = error as PluginError;
  Object.assign(outcome, { code, message, folder: details?.folder });
}
console.log(JSON.stringify({ ...outcome, took: performance.now() - started }));
