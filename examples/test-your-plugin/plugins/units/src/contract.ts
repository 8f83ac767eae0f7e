import { command, contract } from '@plinth/sdk';
import * as v from 'valibot';

/** What others may ask of this plugin. */
export const Units = contract('com.example.units@1', {
  convert: command({
    input: v.object({ value: v.number(), from: v.string(), to: v.string() }),
    output: v.object({ value: v.number() }),
    errors: { unknownUnit: v.object({ unit: v.string() }) },
  }),
  /** How often something was converted. */
  count: command({ output: v.number() }),
});
