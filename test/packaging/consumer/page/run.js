import { createKernel } from '@plinth/host-browser';

/** Leaves what the plugin answered, or what went wrong, in `outcome`. */
export async function run(host) {
  try {
    const kernel = await createKernel({
      host,
      plugins: ['/plugins/greeter/plugin.json'],
      data: `consumer-${document.title}`,
    });
    await kernel.start();
    const answer = await kernel.commands.execute('example.greeter:greet', 'Ada');
    const decorated = await kernel.hooks.collect('example.greeter:decorate', 'x');
    await kernel.stop();
    globalThis.outcome = { answer, decorated };
  } catch (error) {
    globalThis.outcome = { error: String(error) };
  }
}
