/** An HTTP service. Each plugin answers below `/<its id>/`. */
import { createServer } from 'node:http';
import { createKernel } from '@plinth/host-node';
import { PluginError } from '@plinth/sdk';
import { HttpRoutes } from '@plinth/sdk/contracts';

const kernel = await createKernel({ plugins: './dist/plugins', data: './data' });
await kernel.start();

/** Asks a plugin for its answer. A request has 5 seconds. */
async function answer(method: string, url: URL) {
  const [, provider = '', ...rest] = url.pathname.split('/');
  if (!kernel.providers(HttpRoutes).some((one) => one.id === provider)) return { status: 404 };
  const routes = kernel.client(HttpRoutes, { provider });
  const path = `/${rest.join('/')}`;
  const known = await routes.list({ timeout: 5_000 });
  if (!known.some((route) => route.method === method && route.path === path))
    return { status: 404 };
  const query = Object.fromEntries(url.searchParams);
  return routes.handle({ method, path, query }, { timeout: 5_000 });
}

const server = createServer(async (request, response) => {
  try {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const { status, body } = { body: '', ...(await answer(request.method ?? 'GET', url)) };
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(String(body));
  } catch (error) {
    response.writeHead(502).end(error instanceof PluginError ? error.code : '');
  }
});
server.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object')
    console.log(`http://127.0.0.1:${address.port}/com.example.greeter/hello?name=Ada`);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    server.close();
    await kernel.stop();
  });
}
