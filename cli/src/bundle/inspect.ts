/** Learns what a bundle declares, from a process that evaluates it. */
import { type ChildProcess, fork } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onAbort } from '../terminal/clean-up.js';
import { CliError } from '../terminal/cli-error.js';
import type { Facts, InspectAnswer, InspectRequest } from './facts.js';

/** Milliseconds in which a module has to be evaluated. */
const TIME = 10_000;
/** Megabytes of heap that it may use. */
const MEMORY = 256;

/** Starts processes that evaluate bundles. With `warm`, the next one is kept ready. */
export class Inspector {
  readonly #warm: boolean;
  #spare: ChildProcess | undefined;

  constructor({ warm = false }: { readonly warm?: boolean } = {}) {
    this.#warm = warm;
    if (warm) this.#spare = start();
  }

  /**
   * Evaluates a bundle, and the module of its contracts if it has one.
   *
   * @throws CliError `bundle/not-a-plugin` when it doesn't load.
   */
  async inspect(request: InspectRequest, file: string): Promise<Facts> {
    const child = this.#spare ?? start();
    this.#spare = this.#warm ? start() : undefined;
    const keep = onAbort(() => child.kill('SIGKILL'));
    try {
      const answer = await ask(child, request);
      if (answer.ok) return answer.facts;
      throw new CliError('bundle/not-a-plugin', `${file} ${answer.message}`, {
        details: { stack: answer.stack },
        cure: 'A plugin does its work in activate(ctx). Its module only declares.',
      });
    } finally {
      child.kill('SIGKILL');
      keep();
    }
  }

  close(): void {
    this.#spare?.kill('SIGKILL');
    this.#spare = undefined;
  }
}

function ask(child: ChildProcess, request: InspectRequest): Promise<InspectAnswer> {
  return new Promise((resolve) => {
    const fail = (message: string) => resolve({ ok: false, message, stack: message });
    const timer = setTimeout(
      () => fail(`did not load within ${TIME / 1_000} s: it loops, or awaits something for ever`),
      TIME,
    );
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      if (said.length < 4_096) said += chunk.toString();
    });
    child.once('message', (answer: InspectAnswer) => resolve(answer));
    child.once('error', (error) => fail(`cannot be evaluated: ${error.message}`));
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      fail(
        said.includes('heap out of memory')
          ? `needs more than ${MEMORY} MB while it is loaded`
          : `ended while it was loaded (${signal ?? `exit code ${code}`}) ${said.trim().slice(-300)}`,
      );
    });
    child.send(request, (error) => void (error && fail(`cannot be evaluated: ${error.message}`)));
  });
}

function start(): ChildProcess {
  const script = realpathSync(fileURLToPath(new URL('./inspect-child.js', import.meta.url)));
  const readable = [packageOf(script), packageOf('@valibot/to-json-schema'), packageOf('valibot')];
  const child = fork(script, [], {
    execArgv: [
      '--permission',
      ...readable.map((folder) => `--allow-fs-read=${folder}${sep}*`),
      `--max-old-space-size=${MEMORY}`,
      '--no-warnings',
    ],
    env: {},
    cwd: dirname(script),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  // A spare that nothing is asked of doesn't keep the program running.
  child.unref();
  return child;
}

/** The folder of a package, or of the package that a file is in. */
function packageOf(name: string): string {
  const at = name.includes(`${sep}dist${sep}`)
    ? name
    : realpathSync(fileURLToPath(import.meta.resolve(name)));
  return at.slice(0, at.lastIndexOf(join(sep, 'dist', sep)));
}
