/**
 * Differences between runtimes, as data: which lack a feature, how to detect that, and the
 * consequences. Tests that need a feature ask `has`, and are skipped without it. `gaps.test.ts`
 * fails when a runtime and this list disagree. `docs/runtimes.md` is generated from it.
 */
import type { LegName } from './legs.ts';
import {
  evaluated,
  frameHasThread,
  frameIsWalled,
  importAs,
  threadSays,
  typedArraysAreFast,
  workerSays,
} from './probes.ts';

/** One difference. */
export interface Gap {
  readonly id: string;
  /** What a runtime has or lacks. */
  readonly what: string;
  /** The consequence, and which tests are skipped, if any. */
  readonly without: string;
  /** The legs that lack it. */
  readonly legs: readonly LegName[];
  /** Whether this runtime has it; a probe that throws means no. */
  probe(): unknown;
}

const BROWSERS = ['chromium', 'firefox', 'webkit'] as const;
const NODES = ['node22', 'node24', 'node26'] as const;

const ALLOCATES =
  "parentPort.once('message', () => { const all = []; for (let n = 0; n < 3_000_000; n++) all.push({ n }); post('no limit'); });";

/** Throws in a timer and rejects a promise inside of a context, and tells the context of both. */
const FAILS = `const { AsyncLocalStorage } = require('node:async_hooks');
const context = new AsyncLocalStorage();
const seen = [];
process.on('uncaughtException', () => {
  seen.push(context.getStore());
  if (seen.length === 2) post(String(seen));
});
context.run(1, () => {
  setTimeout(() => { throw new Error('thrown'); }, 0);
  Promise.reject(new Error('rejected'));
});`;

export const GAPS = [
  {
    id: 'wall',
    what: "A wall around untrusted code: Node's permission model, or a frame of an opaque origin",
    without:
      "Plugins of isolation `process` and `sandbox` don't start, and the error names what is missing. Skipped: everything behind a wall",
    legs: ['bun', 'deno'],
    probe: () => (typeof document === 'undefined' ? processIsWalled() : frameIsWalled()),
  },
  {
    id: 'heap-limit',
    what: 'A heap limit for each worker, reported when it is reached',
    without:
      'The supervisor ends a plugin that no longer answers; memory is bounded only in `process` and `sandbox`. Skipped: out of memory in a worker',
    legs: [...BROWSERS, 'bun', 'deno'],
    // In its own task, as plugins run: there Deno stops the thread without an event. Where there is
    // no limit the loop ends by itself.
    probe: async () =>
      (await threadSays(ALLOCATES, { resourceLimits: { maxOldGenerationSizeMb: 16 } })) === 'error',
  },
  {
    id: 'drained-loop',
    what: 'A worker without pending work ends',
    without: 'It stays until the plugin is deactivated. Skipped: the end by a drained loop',
    legs: BROWSERS,
    probe: async () => (await threadSays('')) === 'exit',
  },
  {
    id: 'async-context',
    what: 'The parent call is known after an `await` (`AsyncLocalStorage`)',
    without:
      "It is known until the first `await`, and where the call is passed on; `policy.chain: 'strict'` closes what is left",
    legs: BROWSERS,
    probe: () =>
      typeof process !== 'undefined' &&
      typeof process.getBuiltinModule?.('node:async_hooks')?.AsyncLocalStorage === 'function',
  },
  {
    id: 'failing-context',
    what: 'The context of a call is known where an error that nothing has caught is reported',
    without:
      '`plugin:crashed` names the commands in progress (`during`), and the one at fault when it is the only one',
    legs: [...BROWSERS, 'bun', 'deno'],
    probe: async () => typeof process !== 'undefined' && (await threadSays(FAILS)) === '1,1',
  },
  {
    id: 'profiler',
    what: 'A CPU profile of one worker, also while its code does not return',
    without:
      "`kernel.plugins.profile()` says so, and the runtime's developer tools have one. Skipped: profiles",
    legs: [...BROWSERS, 'bun', 'deno'],
    probe: async () => {
      if (typeof process === 'undefined' || process.versions.bun !== undefined) return false;
      const { Worker } = process.getBuiltinModule('node:worker_threads');
      if ('startCpuProfile' in Worker.prototype) return true;
      const { Session } = process.getBuiltinModule('node:inspector/promises');
      const session = new Session();
      session.connect();
      try {
        await session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
        return true;
      } finally {
        session.disconnect();
      }
    },
  },
  {
    id: 'rejections',
    what: 'An unhandled rejection reaches the creator of the worker',
    without: 'The guest reports it and ends itself, so that plugins behave the same',
    legs: BROWSERS,
    probe: async () =>
      (await workerSays(
        "Promise.reject(new Error('unhandled')); setTimeout(() => post('alive'), 50);",
      )) === 'error',
  },
  {
    id: 'syntax-errors',
    what: "A module that doesn't parse is a SyntaxError",
    without: 'The guest converts the error',
    legs: ['bun', 'deno'],
    probe: () =>
      importAs('data:text/javascript,)(//.js').then(
        () => false,
        (error) => error instanceof SyntaxError,
      ),
  },
  {
    id: 'data-modules',
    what: '`data:` modules are loaded by their type, regardless of how their URL ends',
    without: "The text of a plugin ends with a script's file extension",
    legs: ['bun'],
    probe: async () =>
      (
        (await importAs("data:text/javascript,export default 1; export const two = ''.at")) as {
          default: unknown;
        }
      ).default === 1,
  },
  {
    id: 'bare-imports',
    what: "A `data:` module can't import a package by its name",
    without:
      'An unbundled plugin finds the packages of the application; everywhere else it fails to load, and the error says to bundle it',
    legs: ['bun'],
    probe: () =>
      importAs("data:text/javascript,import 'semver'//.js").then(
        () => false,
        () => true,
      ),
  },
  {
    id: 'locks',
    what: 'navigator.locks',
    without: 'Not used by hosts there',
    legs: ['node22', 'bun'],
    probe: () => navigator.locks.request('plinth-probe', () => true),
  },
  {
    id: 'stream-transfer',
    what: 'ReadableStream can be transferred',
    without: 'Streams are sent as messages everywhere',
    legs: ['webkit', 'bun'],
    probe() {
      const stream = new ReadableStream();
      return (
        structuredClone(stream, { transfer: [stream as unknown as ArrayBuffer] }) instanceof
        ReadableStream
      );
    },
  },
  {
    id: 'byte-streams',
    what: 'ReadableStream of type `bytes`',
    without: 'Plugins have none; streams of byte chunks work',
    legs: ['webkit'],
    probe: () => new ReadableStream({ type: 'bytes' }).getReader({ mode: 'byob' }),
  },
  {
    id: 'typed-arrays',
    what: 'A typed array crosses to a thread about as fast as its buffer',
    without:
      'It takes minutes for a hundred megabytes; an `ArrayBuffer` is as fast as elsewhere. Skipped: the largest typed array',
    legs: ['deno'],
    probe: async () => typeof document !== 'undefined' || (await typedArraysAreFast()),
  },
  {
    id: 'error-cause',
    what: 'structuredClone keeps the cause of an error',
    without: 'Errors travel as separate records',
    legs: ['webkit', 'bun'],
    probe: () =>
      (structuredClone(new Error('a', { cause: new Error('b') })).cause as Error).message === 'b',
  },
  {
    id: 'sparse-clone',
    what: 'The holes of a sparse array cost nothing to send',
    without:
      'A plugin that sends billions of them hangs, and is ended like any other that hangs. Forged messages have fewer of them',
    legs: ['webkit', 'bun'],
    probe: async () =>
      (await workerSays("structuredClone(new Array(2 ** 32 - 1)); post('done');")) === 'done',
  },
  {
    id: 'using',
    what: 'The `using` statement',
    without: 'Compiled code has none; plugins use `ctx.own` and `ctx.defer`',
    legs: ['node22', 'webkit'],
    probe: () => evaluated('{ using none = null; } return true;'),
  },
  {
    id: 'dispose',
    what: 'Symbol.dispose',
    without: 'A registered symbol replaces it',
    legs: ['webkit'],
    probe: () => Symbol.dispose,
  },
  {
    id: 'promise-try',
    what: 'Promise.try',
    without: 'Not used',
    legs: ['node22'],
    probe: () => 'try' in Promise,
  },
  {
    id: 'regexp-escape',
    what: 'RegExp.escape',
    without: 'Not used',
    legs: ['node22'],
    probe: () => 'escape' in RegExp,
  },
  {
    id: 'lone-surrogates',
    what: '`\\p{Surrogate}` finds every half of a pair',
    without: 'String.prototype.isWellFormed is used instead',
    legs: ['webkit'],
    probe: () => /\p{Surrogate}/u.test('\uf800\udc00'),
  },
  {
    id: 'private-files',
    what: 'A private file system (OPFS)',
    without:
      'sql() throws in a page; all else is kept in IndexedDB or in files. Skipped: databases in a page',
    legs: [...NODES, 'webkit', 'bun', 'deno'],
    probe: () => navigator.storage.getDirectory(),
  },
  {
    id: 'frame-thread',
    what: 'A frame of an opaque origin has a thread of its own',
    without: 'A frame that does not end its turn holds up the page. Skipped: such a frame',
    legs: [...NODES, 'firefox', 'webkit', 'bun', 'deno'],
    probe: () => frameHasThread(),
  },
  {
    id: 'input',
    what: 'The driver of the browser presses every button of the mouse, and keys in frames',
    without: 'Skipped: links by the other buttons, keys in frames',
    legs: [...NODES, 'webkit', 'bun', 'deno'],
    probe: () => Reflect.get(globalThis, '__vitest_browser_runner__').provider === 'playwright',
  },
] as const satisfies readonly Gap[];

export type GapId = (typeof GAPS)[number]['id'];

const answers = new Map<GapId, Promise<boolean>>();

/** Whether this runtime has a feature; probed once. */
export function has(id: GapId): Promise<boolean> {
  const known = answers.get(id);
  if (known !== undefined) return known;
  const gap = GAPS.find((one) => one.id === id) as Gap;
  const answer = (async () => Boolean(await gap.probe()))().catch(() => false);
  answers.set(id, answer);
  return answer;
}

/** Whether a process under the permission model really can't read files. */
async function processIsWalled(): Promise<boolean> {
  const { execFileSync } = (await importAs(
    'node:child_process',
  )) as typeof import('node:child_process');
  return (
    execFileSync(process.execPath, ['--permission', '-p', "process.permission.has('fs.read')"], {
      encoding: 'utf8',
      stdio: 'pipe',
      timeout: 10_000,
    }).trim() === 'false'
  );
}
