/**
 * The code in the workers of the rows, for Plinth and raw ones alike. The functions are real, so
 * that they are checked like all other code, and are passed to workers as text. So each may use
 * only its arguments.
 */
import type { PackageInput } from '@plinth/kernel';
import type { Schema } from '@plinth/sdk';
import { command, contract } from '@plinth/sdk';

/** The argument of every call, as an editor or a service might send it. */
export interface Argument {
  readonly n: number;
  readonly command: string;
  readonly path: string;
  readonly flags: { readonly preview: boolean; readonly column: number };
}
/** The answer of every call. */
export interface Answer {
  readonly ok: boolean;
  readonly n: number;
}

/** Makes an argument. */
export function payload(n: number): Argument {
  return {
    n,
    command: 'notes.render',
    path: '/notes/2026/11/readme.md',
    flags: { preview: true, column: 12 },
  };
}

/** Answers an argument. */
export function answer({ n }: { readonly n: number }): Answer {
  return { ok: true, n };
}

/** Whether a value of unknown type is an argument. */
export function isArgument(value: Argument): boolean {
  return (
    typeof value?.n === 'number' &&
    typeof value.command === 'string' &&
    typeof value.path === 'string' &&
    typeof value.flags?.preview === 'boolean' &&
    typeof value.flags.column === 'number'
  );
}

/** Whether a value is an answer. */
export function isAnswer(value: Answer): boolean {
  return typeof value?.ok === 'boolean' && typeof value.n === 'number';
}

/** A schema that checks without converting. */
export function checking<T>(check: (value: T) => boolean): Schema<T> {
  return {
    '~standard': {
      version: 1,
      vendor: 'bench',
      validate: (value) =>
        check(value as T) ? { value: value as T } : { issues: [{ message: 'wrong', path: [] }] },
    },
  };
}

/** How long to call: a number of calls, or a time. */
export interface Drive {
  readonly window: number;
  readonly calls?: number;
  readonly milliseconds?: number;
}
/** How many calls were made. */
export interface Driven {
  readonly calls: number;
  readonly milliseconds: number;
}

/** Keeps a window of calls in flight and checks every answer. */
export async function drive(
  call: (n: number) => Promise<Answer>,
  { window, calls = Infinity, milliseconds = Infinity }: Drive,
): Promise<Driven> {
  let made = 0;
  const started = performance.now();
  const lane = async () => {
    while (made < calls && performance.now() - started < milliseconds) {
      const n = made++;
      const reply = await call(n);
      if (reply?.ok !== true || reply.n !== n)
        throw new Error(`call ${n} was answered with ${JSON.stringify(reply)}`);
    }
  };
  await Promise.all(Array.from({ length: window }, lane));
  return { calls: made, milliseconds: performance.now() - started };
}

export const perSecond = ({ calls, milliseconds }: Driven) => (calls / milliseconds) * 1_000;

/** The contract of an echo plugin, for the host. */
export function echoContract<const Id extends string>(id: Id) {
  return contract(`${id}@1`, {
    run: command({ input: checking(isArgument), output: checking(isAnswer), idempotent: true }),
  });
}

/** The same contract without schemas. */
export function plainEchoContract<const Id extends string>(id: Id) {
  return contract(`${id}@1`, { run: command({ idempotent: true }) });
}

/** The contract with its schemas as text inside a bundle. */
const echoText = (id: string) =>
  `${checking} ${isArgument} ${isAnswer}
  const contract = { $id: '${id}@1', run: { kind: 'command', id: '${id}:run', input: checking(isArgument), output: checking(isAnswer), errors: {}, idempotent: true } };`;

/** A package in memory; its bundle is text. */
export function packageFor(
  id: string,
  code: string,
  manifest: Partial<Extract<PackageInput['manifest'], object>> = {},
): PackageInput {
  return {
    manifest: {
      id,
      version: '1.0.0',
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      ...manifest,
    },
    code,
  };
}

/** A plugin that answers: contract, schemas and all, as a bundle would hold it. */
export function echoPackage(
  id: string,
  manifest: Parameters<typeof packageFor>[2] = {},
): PackageInput {
  const code = `${echoText(id)} ${answer} export default { provides: [contract], activate(ctx) { ctx.provide(contract, { run: answer }); } };`;
  return packageFor(id, code, { provides: [`${id}@1`], ...manifest });
}

/** The same plugin without schemas. */
export function plainEchoPackage(id: string): PackageInput {
  const code = `${answer} const contract = { $id: '${id}@1', run: { kind: 'command', id: '${id}:run', errors: {}, idempotent: true } };
    export default { provides: [contract], activate(ctx) { ctx.provide(contract, { run: answer }); } };`;
  return packageFor(id, code, { provides: [`${id}@1`] });
}

/** A plugin whose command `drive` calls an echo plugin. */
export function callerPackage(id: string, echo: string): PackageInput {
  const code = `${echoText(echo)} ${payload} ${drive}
    export default { needs: { echo: contract }, activate(ctx) {
      ctx.commands.handle('drive', (how) => drive((n) => ctx.needs.echo.run(payload(n)), how));
    } };`;
  return packageFor(id, code, { needs: [`${echo}@1`], dependencies: { [echo]: '^1.0.0' } });
}

/** A plugin whose command `drive` calls a command of the host. */
export function flooderPackage(id: string, command: string): PackageInput {
  const code = `${payload} ${drive}
    export default { activate(ctx) { ctx.commands.handle('drive', (how) => drive((n) => ctx.commands.execute('${command}', payload(n)), how)); } };`;
  return packageFor(id, code, { permissions: { commands: { execute: [command] } } });
}

/** Text of a raw worker that answers `[id, argument]` with `[id, answer]`. */
export const rawEcho = `${answer} listen(([id, argument]) => post([id, answer(argument)]));`;

/** Text of a raw worker that takes a port and answers on it. */
export const rawEchoOnPort = `${answer} listen(({ port }) => listenTo(port, ([id, argument]) => port.postMessage([id, answer(argument)])));`;

/**
 * What a raw worker needs to call: one message a request and reply, a number as id, a Map of
 * resolvers.
 */
const RAW_CALLS = `${payload} ${drive}
  let last = 0;
  const pending = new Map();
  const settle = ([id, answer]) => { pending.get(id)(answer); pending.delete(id); };
  const caller = (send) => (n) => { const id = ++last; return new Promise((resolve) => { pending.set(id, resolve); send([id, payload(n)]); }); };
  const rethrow = (error) => setTimeout(() => { throw error; });`;

/** Text of a raw worker that takes a port, and then drives calls over it when it gets an order. */
export const rawCallerOnPort = `${RAW_CALLS}
  let joined;
  listen((message) => {
    if (message.port === undefined) return void drive(caller((request) => joined.postMessage(request)), message).then(post, rethrow);
    joined = message.port;
    listenTo(joined, settle);
  });`;

/**
 * Text of a raw worker that drives calls at its creator. Lists are requests and replies, objects
 * are orders.
 */
export const rawFlooder = `${RAW_CALLS} listen((message) => (Array.isArray(message) ? settle(message) : void drive(caller(post), message).then(post, rethrow)));`;
