/** Does the plugin keep to its budget? */
import { ensure, failureOf, type Run, type Subject } from './subject.js';

/** Measured calls of each sample; as many again run before. */
const CALLS = 20;

/** The checks of the group `performance`: one for each part of the budget. */
export function performanceRuns(subject: Subject): Readonly<Record<string, Run>> {
  const { activate, call, memory } = subject.options.budget ?? {};
  return {
    ...(activate !== undefined && { activate: () => activation(subject, activate) }),
    ...(call !== undefined && { call: () => calls(subject, call) }),
    ...(memory !== undefined && { memory: () => bytes(subject, memory) }),
  };
}

async function activation(subject: Subject, most: number): Promise<string> {
  await using kernel = await subject.started();
  const { activation: phases } = await kernel.plugins.usage(subject.id);
  const took = phases?.total ?? Number.NaN;
  ensure(took <= most, `it is active after ${took.toFixed(1)} ms, and ${most} ms are budgeted`);
  return `it is active after ${took.toFixed(1)} of ${most} ms`;
}

async function calls(subject: Subject, most: number): Promise<string> {
  ensure(subject.samples.length > 0, "there is nothing to measure: give 'samples'");
  await using kernel = await subject.started();
  let slowest: readonly [number, string] = [0, ''];
  for (const [command, input] of subject.samples) {
    const times: number[] = [];
    for (let count = 0; count < 2 * CALLS; count += 1) {
      const began = performance.now();
      const failure = failureOf(await subject.call(kernel, command, input));
      if (count >= CALLS) times.push(performance.now() - began);
      ensure(failure === undefined, failure ?? '');
    }
    const median = times.sort((one, other) => one - other)[CALLS / 2] ?? 0;
    if (median >= slowest[0]) slowest = [median, command];
  }
  const [took, command] = slowest;
  ensure(took <= most, `${command} takes ${took.toFixed(2)} ms, and ${most} ms are budgeted`);
  return `the slowest command, ${command}, takes ${took.toFixed(2)} of ${most} ms`;
}

async function bytes(subject: Subject, most: number): Promise<string> {
  await using kernel = await subject.started();
  await subject.exercise(kernel);
  const { memory, unknown } = await kernel.plugins.usage(subject.id);
  ensure(
    memory !== undefined,
    `its memory can't be measured here: ${unknown['memory'] ?? "give a 'host' with workers"}`,
  );
  ensure(memory.used <= most, `it uses ${memory.used} bytes, and ${most} are budgeted`);
  return `it uses ${memory.used} of ${most} bytes`;
}
