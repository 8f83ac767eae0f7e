/** The contract between a plugin's frames and the host. */
import { command, contract, stream } from '@plinth/sdk';
import { described, isName, type OpenInput, typed } from './contract.js';

/** A frame calls its plugin. */
export interface FrameCall {
  readonly session: string;
  readonly name: string;
  /** JSON. */
  readonly input: string;
}

/**
 * What a plugin with frames provides; `frames(ctx, …)` does it. A frame stands for as long as its
 * stream is read. The first item is the text of its script, each further one a message as JSON.
 */
export const Frame = contract('plinth.frame@1', {
  open: command({
    input: typed<OpenInput>(({ session, view }) => isName(session) && isName(view)),
    output: described(stream(typed<string>())['~standard']),
  }),
  /** Answers JSON. `stale`: this frame has ended. */
  call: command({
    input: typed<FrameCall>(
      ({ session, name, input }) => isName(session) && isName(name) && typeof input === 'string',
    ),
    output: typed<string>(),
    errors: { stale: typed<Record<never, never>>() },
  }),
});
