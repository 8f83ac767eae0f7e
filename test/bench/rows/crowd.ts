/**
 * Many plugins at once: from an empty kernel until each has answered a call, compared with as many
 * empty workers.
 */
import { createKernel, type Kernel, packageSource } from '@plinth/kernel';
import { type Answer, echoContract, echoPackage, payload } from '../guest-code.ts';
import { milliseconds, type Outcomes, ratioFigure } from '../outcome.ts';
import { asking, type Bench, type BenchWorker, type Platform } from '../platform.ts';
import { sideBySide, timeOf } from '../statistics.ts';

export async function measureCrowd({ platform, rounds }: Bench): Promise<Outcomes> {
  const times = await sideBySide(
    rounds,
    () => startPlugins(platform),
    () => startRaw(platform),
  );
  return { start: ratioFigure(times.plinth, times.raw, milliseconds) };
}

async function startPlugins(platform: Platform): Promise<number> {
  const ids = Array.from({ length: platform.crowd }, (_, index) => `bench.echo${index}`);
  const sources = [packageSource(ids.map((id) => echoPackage(id)))];
  let kernel: Kernel | undefined;
  const time = await timeOf(async () => {
    kernel = await createKernel({ host: platform.createHost(), sources });
    await kernel.start();
    const clients = ids.map((id) => (kernel as Kernel).client(echoContract(id)));
    const answers = await Promise.all(clients.map((client, n) => client.run(payload(n))));
    checkAll(answers);
  });
  await kernel?.stop();
  return time;
}

async function startRaw(platform: Platform): Promise<number> {
  let workers: readonly BenchWorker[] = [];
  const time = await timeOf(async () => {
    workers = Array.from({ length: platform.crowd }, () =>
      platform.startWorker('listen(({ n }) => post({ ok: true, n }));'),
    );
    checkAll(
      (await Promise.all(workers.map((worker, n) => asking(worker)(payload(n))))) as Answer[],
    );
  });
  await Promise.all(workers.map((worker) => worker.terminate()));
  return time;
}

function checkAll(answers: readonly Answer[]): void {
  for (const [n, reply] of answers.entries())
    if (!reply.ok || reply.n !== n)
      throw new Error(`worker ${n} answered ${JSON.stringify(reply)}`);
}
