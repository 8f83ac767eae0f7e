/** Runs the service until it is told to stop: SIGTERM and SIGINT let requests in flight finish. */
import { log } from './log.ts';
import { startService } from './service.ts';
import { readSettings } from './settings.ts';

/** Milliseconds that stopping may take. */
const PATIENCE = 20_000;

try {
  const service = await startService(readSettings(process.env));
  log('info', 'listening', { url: service.url });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, async () => {
      log('info', 'stopping', { signal });
      // The process ends by itself when nothing is left of the service.
      setTimeout(() => {
        log('error', 'could not stop in time');
        process.exit(1);
      }, PATIENCE).unref();
      await service.stop();
      log('info', 'stopped');
    });
} catch (error) {
  log('error', `could not start: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
