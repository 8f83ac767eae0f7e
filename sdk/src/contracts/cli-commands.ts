/** Commands for a command line. */
import * as v from 'valibot';
import { command, contract } from '../contract/contract.js';

const option = v.object({
  name: v.string(),
  description: v.optional(v.string()),
  type: v.optional(v.picklist(['string', 'number', 'boolean']), 'string'),
  required: v.optional(v.boolean(), false),
});

/** The commands that a plugin adds to a command line, and how they run. */
export const CliCommands = contract('plinth.cli-commands@1', {
  list: command({
    output: v.array(
      v.object({
        name: v.string(),
        description: v.string(),
        options: v.optional(v.array(option), []),
      }),
    ),
  }),
  run: command({
    input: v.object({
      name: v.string(),
      args: v.optional(v.array(v.string()), []),
      options: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])), {}),
    }),
    /** `exitCode` 0: success; 1: failure; 2: wrong usage. */
    output: v.object({
      exitCode: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)),
      stdout: v.optional(v.string(), ''),
      stderr: v.optional(v.string(), ''),
    }),
    errors: { unknownCommand: v.object({ name: v.string() }) },
  }),
});
