/** The service: telemetry, kernel and server, started in this order and stopped in reverse. */
import { http } from '@plinth/http/host';
import { tenants } from '@plinth/kernel/tenants';
import { createApp } from './app.ts';
import { type NodeKernel, openKernel } from './kernel.ts';
import type { Settings } from './settings.ts';
import { startTelemetry } from './telemetry.ts';

/** A service that listens. */
export interface Service {
  readonly url: string;
  readonly kernel: NodeKernel;
  /** Takes no new requests, waits for those in flight, and ends everything. */
  stop(): Promise<void>;
}

/** Starts the service. When it can't, nothing of it is left. */
export async function startService(settings: Settings): Promise<Service> {
  const telemetry = startTelemetry(settings.tracesUrl);
  let kernel: NodeKernel | undefined;
  const stop = async () => {
    try {
      await kernel?.stop();
    } finally {
      await telemetry.stop();
    }
  };
  try {
    kernel = await openKernel(settings);
    const { admin, listen } = kernel.extension(http);
    await admin(kernel, {
      tokens: { [settings.adminToken]: { name: 'admin', role: 'admin' } },
      tenants: kernel.extension(tenants).manage(kernel),
    });
    const app = createApp({ kernel, settings, telemetry });
    const { url } = await listen({
      port: settings.port,
      host: settings.host,
      fetch: (request) => app.fetch(request),
    });
    return { url, kernel, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
