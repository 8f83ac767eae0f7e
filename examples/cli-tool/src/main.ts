/** A command line tool: `node src/main.ts <command> [words…]`. Without a command it lists them. */
import { fileURLToPath } from 'node:url';
import { createKernel } from '@plinth/host-node';
import { CliCommands } from '@plinth/sdk/contracts';

const kernel = await createKernel({
  plugins: fileURLToPath(new URL('../dist/plugins', import.meta.url)),
});
await kernel.start();

const [wanted, ...args] = process.argv.slice(2);
const commands = [];
for (const { id } of kernel.providers(CliCommands)) {
  const client = kernel.client(CliCommands, { provider: id });
  for (const command of await client.list()) commands.push({ ...command, client });
}
const command = commands.find(({ name }) => name === wanted);
if (command !== undefined) {
  const { exitCode, stdout, stderr } = await command.client.run({ name: command.name, args });
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = exitCode;
} else {
  for (const { name, description } of commands) console.log(`${name}\t${description}`);
  if (wanted !== undefined) process.exitCode = 2;
}
await kernel.stop();
