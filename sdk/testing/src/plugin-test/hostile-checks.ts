/** Does each command refuse bad input with a typed error, and survive it? */
import { messageOf } from '@plinth/sdk/contract';
import { hostileInputs } from './hostile-inputs.js';
import { ensure, printed, type Run, type Subject } from './subject.js';

/** The checks of the group `hostile`: one for each command that the plugin answers. */
export async function hostileRuns(subject: Subject): Promise<Readonly<Record<string, Run>>> {
  await using kernel = await subject.started();
  return Object.fromEntries(
    subject
      .commands(kernel)
      .map((command) => [subject.short(command), () => withstands(subject, command)]),
  );
}

async function withstands(subject: Subject, command: string): Promise<string> {
  await using kernel = await subject.started({ supervision: false });
  const samples = subject.samples.flatMap(([name, input]) => (name === command ? [input] : []));
  let refused = 0;
  const inputs = hostileInputs(samples, subject.options.seed ?? 1);
  for (const input of inputs) {
    const { error } = await subject.call(kernel, command, input);
    if (error === undefined) continue;
    refused += 1;
    const { code } = (error ?? {}) as { readonly code?: unknown };
    const what = `for ${printed(input)}`;
    ensure(code !== 'call/timeout', `it doesn't answer within ${subject.timeout} ms ${what}`);
    ensure(
      typeof code === 'string' && code !== 'call/invalid-output' && !code.startsWith('guest/'),
      `it fails with an error that no caller can handle ${what}: ${messageOf(error)}`,
    );
  }
  const { state } = kernel.plugins.get(subject.id) ?? {};
  ensure(state === 'active', `it is ${state} afterwards, not active`);
  ensure(!('polluted' in {}), 'it lets an input change the prototype of all objects');
  return `it refuses ${refused} of ${inputs.length} hostile inputs with typed errors, and answers the others`;
}
