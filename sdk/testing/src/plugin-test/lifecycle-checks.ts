/** Does the plugin stop, pause, sleep and return, and keep its state? */
import type { TestKernel } from '../test-kernel.js';
import { ensure, failureOf, printed, type Run, type Subject, same } from './subject.js';

type Step = (kernel: TestKernel, id: string) => Promise<unknown>;

const STEPS: Readonly<Record<string, Step>> = {
  activate: async () => {},
  restart: async ({ plugins }, id) => {
    await plugins.deactivate(id);
    await plugins.activate(id);
  },
  suspend: async ({ plugins }, id) => {
    await plugins.suspend(id);
    await plugins.resume(id);
  },
  hibernate: async ({ plugins }, id) => {
    await plugins.hibernate(id);
    await plugins.activate(id);
  },
  reload: ({ plugins }, id) => plugins.reload(id),
};

/** The checks of the group `lifecycle`. */
export function lifecycleRuns(subject: Subject): Readonly<Record<string, Run>> {
  return {
    ...Object.fromEntries(
      Object.entries(STEPS).map(([name, step]) => [name, keeps(subject, name, step)]),
    ),
    deactivate: async () => {
      await using kernel = await subject.started();
      await subject.exercise(kernel);
      const failed = kernel.logs.length;
      await kernel.plugins.deactivate(subject.id);
      const error = kernel.logs.slice(failed).find(({ level }) => level === 'error');
      ensure(error === undefined, `it fails while it stops: ${error?.message}`);
      const { state } = kernel.plugins.get(subject.id) ?? {};
      ensure(state !== 'failed' && state !== 'active', `it is ${state} after it was stopped`);
      return 'it stops without an error';
    },
  };
}

/** A step after which everything is as before. A restart keeps what is stored, the others all. */
function keeps(subject: Subject, name: string, step: Step): Run {
  return async () => {
    const { id } = subject;
    await using kernel = await subject.started();
    await subject.exercise(kernel);
    const before = await subject.state(kernel);
    const commands = subject.commands(kernel);
    await step(kernel, id);
    const { state } = kernel.plugins.get(id) ?? {};
    ensure(state === 'active', `it is ${state} afterwards, not active`);
    const after = await subject.state(kernel);
    const expected = name === 'restart' ? { ...(before as object), read: undefined } : before;
    const found = name === 'restart' ? { ...(after as object), read: undefined } : after;
    ensure(same(expected, found), `its state was ${printed(expected)}, and is ${printed(found)}`);
    const lost = commands.filter((one) => !subject.commands(kernel).includes(one));
    ensure(lost.length === 0, `it doesn't answer ${lost.join(', ')} any more`);
    const { status, error } = await kernel.plugins.health(id);
    ensure(status !== 'unhealthy', `it is unhealthy afterwards: ${error?.message ?? 'as it says'}`);
    const broken = (await subject.exercise(kernel)).map(failureOf).find((one) => one !== undefined);
    ensure(broken === undefined, broken ?? '');
    return 'it is active, with its state and its commands';
  };
}
