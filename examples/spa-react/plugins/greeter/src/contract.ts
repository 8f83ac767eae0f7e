import { command, contract } from '@plinth/sdk';
import * as v from 'valibot';

/** What a page may ask of the plugin. */
export const Greeter = contract('com.example.greeter@1', {
  greet: command({ input: v.pipe(v.string(), v.minLength(1)), output: v.string() }),
});
