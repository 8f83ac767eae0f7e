/** Has the plugin greet from each isolation. */
export async function run(create) {
  const outcome = {};
  for (const isolation of ['worker', 'sandbox']) {
    let kernel;
    try {
      kernel = await create(isolation);
      await kernel.start();
      outcome[isolation] = await kernel.commands.execute('example.greeter:greet', 'Ada');
    } catch (error) {
      outcome[isolation] = `${error.code}: ${error.message}`;
    } finally {
      await kernel?.stop();
    }
  }
  return outcome;
}
