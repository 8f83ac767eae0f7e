/** Sends the calls of a plugin: over a direct lane where one is open, else to the kernel. */
import { Op } from '../../contract/operations.js';
import { textIn } from '../arguments.js';
import { HandlerCall, parentOf } from '../handler-call.js';
import { metaOf, requestAbout } from '../kernel-calls.js';
import type { Execute } from './client.js';
import type { ContextParts } from './context-parts.js';

/**
 * Sends calls to the kernel, or over a direct lane where one is open and the call carries nothing
 * that only the kernel may pass on.
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
    if (parent?.carries) lane.giveWay();
    return lane.execute(
      id,
      input,
      options,
      parent instanceof HandlerCall ? parent : undefined,
      byKernel,
    );
  };
}
