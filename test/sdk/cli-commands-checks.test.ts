/** The checks of `CliCommands` find the faults they are for. */
import { CliCommands } from '@plinth/sdk/contracts';
import { alternate, contractChecks, prove } from './prove.ts';

interface Option {
  readonly name: string;
  readonly type: 'string' | 'number' | 'boolean';
  readonly required: boolean;
}
interface Listed {
  readonly name: string;
  readonly description: string;
  readonly options: readonly Option[];
}
interface Run {
  readonly name: string;
  readonly options: Readonly<Record<string, string | number | boolean>>;
}
interface Outcome {
  readonly exitCode: number;
  readonly stdout?: string;
  readonly stderr?: string;
}
interface Parts {
  list(): readonly Listed[];
  knows(name: string): boolean;
  unknown: 'declared' | 'error' | 'exit' | 'other name';
  wrong(run: Run): Outcome | undefined;
  run(run: Run): Outcome;
}

const to: Option = { name: 'to', type: 'string', required: true };
const times: Option = { name: 'times', type: 'number', required: false };
const greet: Listed = { name: 'greet', description: 'Greets', options: [to, times] };
const bye: Listed = { name: 'bye', description: 'Says goodbye', options: [] };
const list = (...commands: readonly Listed[]): Partial<Parts> => ({
  list: () => commands,
  knows: (name) => name === 'greet' || name === 'bye',
});
const options = (...given: readonly Option[]) => list({ ...greet, options: given }, bye);
const refused = (stderr = 'wrong\n') => ({ exitCode: 2, stderr });
const table: Readonly<Record<string, unknown>> = { greet, bye };

const sound: Parts = {
  list: () => [greet, bye],
  knows: (name) => Object.hasOwn(table, name),
  unknown: 'declared',
  wrong: ({ name, options: given }) =>
    name === 'greet' &&
    (given.to === undefined || (given.times !== undefined && typeof given.times !== 'number'))
      ? refused()
      : undefined,
  run: ({ name, options: given }) =>
    name === 'greet'
      ? { exitCode: 0, stdout: `hello ${String(given.to)}\n` }
      : { exitCode: 1, stderr: 'not yet\n' },
};

const LIST = 'list() names each command once, with a description';
const OPTIONS = 'list() names each option of a command once, without dashes';
const UNKNOWN = "run() of an unknown command fails with 'unknownCommand'";
const KNOWN = 'run() knows every command that is listed';
const MISSING = 'run() without a required option exits with 2';
const NUMBER = 'run() with a text where a number belongs exits with 2';
const SAMPLES = 'run() does what the samples expect';

prove<typeof CliCommands, Parts>({
  contract: CliCommands,
  implement(parts) {
    const { list: listed, knows, unknown, wrong, run } = { ...sound, ...parts };
    return {
      list: () =>
        listed().map((command) => ({
          ...command,
          options: command.options.map((option) => ({ ...option })),
        })),
      run(input, call) {
        if (knows(input.name)) return wrong(input) ?? run(input);
        if (unknown === 'exit') return { exitCode: 127, stderr: 'unknown' };
        if (unknown === 'error') throw new Error(`unknown command ${input.name}`);
        return call.fail('unknownCommand', {
          name: unknown === 'declared' ? input.name : 'command',
        });
      },
    };
  },
  checks: (kernel) =>
    contractChecks(CliCommands, kernel.client(CliCommands), {
      run: [
        { name: 'greet', options: { to: 'Rome' }, stdout: 'hello Rome' },
        { name: 'greet', options: { to: 'Oslo', times: 2 }, stdout: /^hello O/ },
        { name: 'bye', exitCode: 1 },
      ],
    }),
  mutants: [
    ['no commands', list(), LIST],
    ['a command twice', list(greet, bye, greet), LIST],
    ['a command without a name', list({ ...greet, name: '' }), LIST],
    ['a command of two words', list({ ...greet, name: 'greet all' }), LIST],
    ['an empty description', list({ ...greet, description: ' ' }), LIST],
    ['no description at all', list({ name: 'greet', options: [] } as unknown as Listed), LIST],
    ['an option twice', options(to, times, to), OPTIONS],
    ['an option with its dashes', options({ ...to, name: '--to' }), OPTIONS],
    [
      'a list that changes',
      { list: alternate([greet, bye], [bye, greet]) },
      'list() answers the same again',
    ],
    ['unknown commands exit', { unknown: 'exit' }, UNKNOWN],
    ['unknown commands throw something else', { unknown: 'error' }, UNKNOWN],
    ['unknown commands are called by another name', { unknown: 'other name' }, UNKNOWN],
    [
      'commands are looked up with what every object has',
      { knows: (name) => name in table },
      UNKNOWN,
    ],
    ['a listed command is unknown', { knows: (name) => name === 'greet' }, KNOWN],
    ['an exit code that none can be', { run: () => ({ exitCode: -1 }) }, KNOWN],
    ['required options are not required', { wrong: () => undefined }, MISSING],
    [
      'a missing option exits with 1',
      { wrong: (run) => sound.wrong(run) && { exitCode: 1, stderr: 'wrong' } },
      MISSING,
    ],
    [
      'a missing option is not spoken of',
      { wrong: (run) => sound.wrong(run) && refused('') },
      MISSING,
    ],
    [
      'numbers are not checked',
      { wrong: (run) => (run.options.to === undefined ? refused() : undefined) },
      NUMBER,
    ],
    [
      'numbers are checked in silence',
      { wrong: (run) => sound.wrong(run) && refused(' ') },
      NUMBER,
    ],
    [
      'another exit code',
      { run: () => ({ exitCode: 0, stdout: 'hello Oslo, hello Rome' }) },
      SAMPLES,
    ],
    ['another text', { run: (run) => ({ ...sound.run(run), stdout: 'hello' }) }, SAMPLES],
    ['a failure without a reason', { run: (run) => ({ ...sound.run(run), stderr: '' }) }, SAMPLES],
  ],
});
