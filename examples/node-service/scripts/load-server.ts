/** One of the two programs that `load.ts` measures. It tells its address to its parent. */
import { join } from 'node:path';
import { startMonolith } from '../monolith/monolith.ts';
import { startService } from '../src/service.ts';
import { readSettings } from '../src/settings.ts';

const [name, folder = '.'] = process.argv.slice(2);
const settings = readSettings({
  PORT: '0',
  PUBLIC_URL: 'http://localhost:3000',
  DATA: join(folder, 'service'),
  SECRET: 'a-secret-of-the-load-test',
  ADMIN_TOKEN: 'an-admin-token-of-the-load-test',
  METRICS_TOKEN: 'a-metrics-token-of-the-load-test',
  ACME_USERS: 'ada:ada-password',
  GLOBEX_USERS: 'ada:ada-password',
  INITECH_USERS: 'ada:ada-password',
});
const acme = settings.tenants.get('acme');
if (acme === undefined) throw new Error('tenants.json has no acme');
const { users, linkKey: key, origin } = acme;
const program =
  name === 'monolith'
    ? await startMonolith({
        file: join(folder, 'old.sqlite'),
        users,
        key,
        address: `${origin}/blog/`,
      })
    : await startService(settings);
process.send?.(program.url);
process.once('SIGTERM', async () => {
  process.disconnect();
  await program.stop();
});
