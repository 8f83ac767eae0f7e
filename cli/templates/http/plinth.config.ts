import { defineConfig } from '@plinth/cli';
import { http } from '@plinth/http/host';
import { defineExtension } from '@plinth/kernel/extension';

/** Listens once the plugins run, for `plinth dev` and `plinth run`. */
const server = defineExtension({ name: 'server', uses: [], requires: [http] }, (port = 8080) => ({
  install(kernel) {
    kernel.on('started', async () => {
      const { url } = await kernel.use(http).listen({ port });
      kernel.log.info(`listening at ${url}/plugins/__ID__/texts`);
    });
  },
}));

export default defineConfig({ extensions: [http(), server(Number(process.env.PORT ?? 8080))] });
