/** The chain of a command, with what each part of its last call took. */
import type { Span } from '../kernel/trace.ts';

/** One part: a middleware, the handler, or what the kernel and the way there take. */
export interface ChainPart {
  readonly label: string;
  /** Milliseconds. Undefined for a part that the last call has not reached, or without a call. */
  readonly took: number | undefined;
  /** Of `took` of the whole call, 0 to 1. */
  readonly share: number;
  readonly failed: boolean;
}

/**
 * The parts in the order in which a call goes through them.
 *
 * @param around plugins whose middleware covers the command, as long as no call tells more.
 * @param last the last call that has ended.
 */
export function chainOf(
  owner: string,
  around: readonly string[],
  last: Span | undefined,
): readonly ChainPart[] {
  const { took: whole = 0, steps = [], handler, ok, answered = ok } = last ?? {};
  const part = (label: string, took: number | undefined, failed = false): ChainPart => ({
    label,
    took,
    share: took === undefined || whole === 0 ? 0 : Math.min(took / whole, 1),
    failed,
  });
  const middleware =
    last === undefined
      ? around.map((id) => part(`middleware of ${id}`, undefined))
      : steps.map(({ name, owner: of, alone, ok: passed }) =>
          part(
            of === 'host' ? `middleware ${name} of the page` : `middleware of ${name}`,
            alone,
            !passed,
          ),
        );
  const known = steps.reduce((sum, { alone }) => sum + alone, handler ?? 0);
  return [
    part('kernel and way', last === undefined ? undefined : Math.max(whole - known, 0)),
    ...middleware,
    part(`handler of ${owner}`, handler, answered === false && handler !== undefined),
  ];
}
