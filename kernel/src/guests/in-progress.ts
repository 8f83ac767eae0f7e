/** Tells what a guest works on, for errors that have no other trace. */
import type { Link, Reply } from '@plinth/sdk/rpc';

/** The most commands that are named. */
const MAX_NAMED = 16;

/** The wire id of what a reply is for. Undefined for the kernel's own requests. */
export function commandOf(reply: Reply | undefined): string | undefined {
  const id = (reply as { readonly id?: unknown } | undefined)?.id;
  return typeof id === 'string' ? id : undefined;
}

/** Commands and hooks that a guest works on, each once. */
export const inProgress = (link: Pick<Link, 'open'>): readonly string[] =>
  [...new Set(link.open().flatMap((reply) => commandOf(reply) ?? []))].slice(0, MAX_NAMED);
