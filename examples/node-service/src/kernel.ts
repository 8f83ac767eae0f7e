/** The kernel of the service, with all that its plugins may use. */
import { createKernel } from '@plinth/host-node';
import { http } from '@plinth/http/host';
import { jobs } from '@plinth/jobs/host';
import { tenants } from '@plinth/kernel/tenants';
import { otel } from '@plinth/otel/host';
import { sql } from '@plinth/sql/host';
import { log } from './log.ts';
import type { Settings } from './settings.ts';
import { openTenants, tenantIn } from './tenants.ts';
import { userOfHeader } from './users.ts';

export type NodeKernel = Awaited<ReturnType<typeof makeKernel>>;

/** Starts the kernel with the tenants of the settings. The caller stops it. */
export async function openKernel(settings: Settings): Promise<NodeKernel> {
  const kernel = await makeKernel(settings);
  try {
    await kernel.start();
    await openTenants(kernel, settings);
    return kernel;
  } catch (error) {
    await kernel.stop();
    throw error;
  }
}

function makeKernel(settings: Settings) {
  const { data, databaseUrl, tenants: known } = settings;
  return createKernel({
    plugins: './dist/plugins',
    data: `${data}/kernel`,
    // Nothing runs outside of a tenant.
    tenants: 'only',
    telemetry: { log: ({ level, message, time: _, ...about }) => log(level, message, about) },
    extensions: [
      tenants(),
      sql(
        databaseUrl === undefined ? { directory: `${data}/databases` } : { postgres: databaseUrl },
      ),
      jobs({ tenants: 'only' }),
      otel(),
      http({
        // What plugins add is reached by the addresses that the application gives.
        mount: { api: false, web: false },
        tenant(request) {
          const id = tenantIn(request, settings);
          // '' is no tenant: one that settings don't name is 404, even if its data is there.
          return id === undefined || known.has(id) ? id : '';
        },
        authenticate(request) {
          const users = known.get(tenantIn(request, settings) ?? '')?.users;
          return users && userOfHeader(request.headers.get('authorization'), users);
        },
        // Both features are the application's own, and forms need the origin of their pages.
        pages: 'same-origin',
      }),
    ],
  });
}
