/** Calls a command in each runtime and compares the answers. Loaded with the first comparison. */
import type { Asked, Column } from './comparison.ts';
import { compareOutcomes, type Outcome, textOf } from './outcome.ts';
import type { Runtime } from './runtimes.ts';
import { timesOf } from './statistics.ts';

export { runtimesOf } from './runtimes.ts';

/** How long it goes on, and who is told. */
export interface MeasureOptions {
  readonly signal: AbortSignal;
  /** Milliseconds for the calls of one runtime. */
  readonly most: number;
  /** Told of all columns after each change. */
  tell(columns: readonly Column[]): void;
}

/** One runtime after the other, so that none takes time from another. It never rejects. */
export async function measureAll(
  runtimes: readonly Runtime[],
  asked: Asked,
  options: MeasureOptions,
): Promise<void> {
  const columns: Column[] = runtimes.map(({ title }) => ({
    title,
    state: 'waiting',
    ended: 0,
    failed: 0,
  }));
  let reference: Outcome | undefined;
  options.tell([...columns]);
  for (const [index, runtime] of runtimes.entries()) {
    if (options.signal.aborted) return;
    await measure(runtime, asked, options, (next, first) => {
      const shown = first && { outcome: first.kind, text: textOf(first) };
      const difference = first && reference && compareOutcomes(reference, first);
      reference ??= first;
      columns[index] = {
        ...(columns[index] as Column),
        ...next,
        ...shown,
        ...(difference && { difference }),
      };
      options.tell([...columns]);
    });
  }
}

/** @param tell is given the first outcome once. */
async function measure(
  runtime: Runtime,
  { command, input, calls }: Asked,
  { signal, most }: MeasureOptions,
  tell: (next: Partial<Column>, first?: Outcome) => void,
): Promise<void> {
  tell({ state: 'starting' });
  const plugin = command.slice(0, command.indexOf(':'));
  const artefact = await runtime.artefact(plugin, signal).catch(() => undefined);
  if (signal.aborted) return;
  tell({ state: 'running', artefact });
  const times: number[] = [];
  let failed = 0;
  const begun = performance.now();
  while (times.length < calls && performance.now() - begun < most) {
    const started = performance.now();
    const outcome = await runtime.call(command, input, signal);
    if (signal.aborted) return;
    times.push(performance.now() - started);
    if (outcome.kind === 'error') failed += 1;
    tell({ ended: times.length, failed }, times.length === 1 ? outcome : undefined);
  }
  tell({ state: 'done', times: timesOf(times) });
}
