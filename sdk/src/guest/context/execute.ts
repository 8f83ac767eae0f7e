/** Sends the calls of a plugin: over a direct lane where one is open, else to the kernel. */
import { Op } from '../../contract/operations.js';
import { textIn } from '../arguments.js';
import { type Cause, HandlerCall, parentOf } from '../handler-call.js';
import { metaOf, requestAbout } from '../kernel-calls.js';
import type { Execute } from './client.js';
import type { ContextParts } from './context-parts.js';

/**
 * Sends calls to the kernel, or over a direct lane where one is open and the call carries nothing
 * that only the kernel may pass on. A call for another plugin's goes through the kernel, too: that
 * plugin needs the right to it.
 */
export function createExecute({ link, lanes, handling: scope }: ContextParts): Execute {
  return (id, input, options) => {
    textIn(id, 'the id of a command');
    const parent = parentOf(scope, options);
    const byKernel = (value: unknown) =>
      requestAbout(
        link,
        Op.execute,
        id,
        value,
        metaOf(options, parent?.sequence ?? 0),
        options?.signal,
      );
    const lane = lanes.routeOf(id);
    if (lane === undefined) return byKernel(input);
    // Switches in order: what is on the lane arrives before.
    if (parent?.carries || isForPlugin(parent)) lane.giveWay();
    return lane.execute(
      id,
      input,
      options,
      parent instanceof HandlerCall ? parent : undefined,
      byKernel,
    );
  };
}

/** Whether a call is made for one that has come from another plugin through the kernel. */
const isForPlugin = (parent: Cause | undefined): boolean =>
  parent instanceof HandlerCall && parent.sequence > 0 && parent.caller.kind !== 'host';
