import { defineConfig } from '@plinth/cli';
import { http } from '@plinth/http/host';
import { defineExtension } from '@plinth/kernel/extension';

/** Whether this is `plinth dev` or `plinth run`. Other commands need no server. */
const serves = process.argv.some((word) => word === 'dev' || word === 'run');

/** Listens once the plugins run. */
const server = defineExtension({ name: 'server', uses: [], requires: [http] }, (port = 8080) => ({
  install(kernel) {
    kernel.on('started', async () => {
      const { url } = await kernel.use(http).listen({ port });
      kernel.log.info(`listening at ${url}/plugins/__ID__/texts`);
    });
  },
}));

export default defineConfig({
  extensions: serves ? [http(), server(Number(process.env.PORT ?? 8080))] : [http()],
});
