/** Activation on a ready worker, compared with spawning an empty worker until its first message. */
import { createKernel, packageSource } from '@plinth/kernel';
import { echoContract, echoPackage, payload } from '../guest-code.ts';
import { milliseconds, type Outcomes, ratioFigure } from '../outcome.ts';
import type { Bench } from '../platform.ts';
import { pause, sideBySide, timeOf } from '../statistics.ts';

/** The host doesn't report when its spare is ready; a worker takes a tenth of this. */
const UNTIL_READY = 300;

export async function measureSpare({ platform, rounds }: Bench): Promise<Outcomes> {
  // One sample more than rounds, because the first is dropped.
  const ids = Array.from({ length: rounds + 1 }, (_, index) => `bench.echo${index}`);
  const kernel = await createKernel({
    host: platform.createHost(1),
    sources: [packageSource(ids.map((id) => echoPackage(id, { activation: [] })))],
  });
  const before = platform.workersStarted();
  let rawWorkers = 0;
  let used = 0;
  let cold = false;
  const plinth = async () => {
    await pause(UNTIL_READY);
    const waiting = platform.workersStarted() - before - rawWorkers - used;
    if (waiting < 1) cold = true;
    const id = ids[used] as string;
    used += 1;
    const time = await timeOf(() => kernel.plugins.activate(id));
    const reply = await kernel.client(echoContract(id)).run(payload(used));
    if (!reply.ok || reply.n !== used) throw new Error(`${id} answered ${JSON.stringify(reply)}`);
    await kernel.plugins.deactivate(id);
    return time;
  };
  const raw = async () => {
    await pause(UNTIL_READY);
    rawWorkers += 1;
    let stop = async () => {};
    const time = await timeOf(
      () =>
        new Promise((resolve) => {
          const worker = platform.startWorker('post(1);');
          stop = () => worker.terminate();
          worker.listen(resolve);
        }),
    );
    await stop();
    return time;
  };
  try {
    await kernel.start();
    await plinth();
    if (cold) {
      // A host may create spares only after it has launched a guest.
      await pause(UNTIL_READY);
      if (platform.workersStarted() - before - used < 1)
        return { activation: { missing: 'the host keeps no spare' } };
      cold = false;
    }
    const times = await sideBySide(rounds, plinth, raw);
    if (cold) return { activation: { missing: `no spare was ready within ${UNTIL_READY} ms` } };
    return { activation: ratioFigure(times.plinth, times.raw, milliseconds) };
  } finally {
    await kernel.stop();
  }
}
