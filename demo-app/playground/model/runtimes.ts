/** The runtimes that a command is compared in: two kernels of this page, and the one in Node. */
import type { Kernel } from '@plinth/host-browser';
import { PluginError } from '@plinth/sdk';
import { sha256 } from '@plinth/sdk/contract';
import { startSandboxKernel } from '../kernel/sandbox-kernel.ts';
import { NodeCallError, type NodeClient, STREAM } from './node-client.ts';
import { failure, type Outcome } from './outcome.ts';

/** One of them. */
export interface Runtime {
  readonly title: string;
  /** Calls a command. It never rejects. */
  call(command: string, input: unknown, signal: AbortSignal): Promise<Outcome>;
  /** SHA-256 of the file that a plugin was loaded from. Rejects when that is not known. */
  artefact(plugin: string, signal: AbortSignal): Promise<string>;
  /** Ends what was made for the comparison. */
  stop(): Promise<void>;
}

/** Milliseconds of one call. */
const TIMEOUT = 10_000;

type CallingKernel = Pick<Kernel, 'commands' | 'plugins'>;

/** All of them. The second kernel of the page starts when it is first asked. */
export function runtimesOf(kernel: CallingKernel, node: NodeClient | undefined): Runtime[] {
  const worker = ofKernel('Web Worker', async () => kernel);
  const runtimes = [worker, sandboxRuntime()];
  return node === undefined ? runtimes : [...runtimes, ofNode(node)];
}

/** A kernel of this page. */
function ofKernel(title: string, open: () => Promise<CallingKernel>): Runtime {
  return {
    title,
    async call(command, input, signal) {
      try {
        const { commands } = await open();
        const value = await commands.execute(command, input, { signal, timeout: TIMEOUT });
        if (!isStream(value)) return { kind: 'answer', value };
        // How it ends is of no interest.
        void Promise.resolve(value[Symbol.asyncIterator]().return?.()).catch(() => {});
        return { kind: 'stream' };
      } catch (error) {
        return failureOf(error);
      }
    },
    async artefact(plugin, signal) {
      const { plugins } = await open();
      const { origin = '', manifest } = plugins.get(plugin) ?? {};
      const response = await fetch(new URL(manifest?.main ?? '', origin), { signal });
      if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
      return sha256(new Uint8Array(await response.arrayBuffer()));
    },
    stop: async () => {},
  };
}

function sandboxRuntime(): Runtime {
  let starting: Promise<Kernel> | undefined;
  return {
    ...ofKernel('Sandbox', () => {
      starting ??= startSandboxKernel();
      return starting;
    }),
    async stop() {
      const kernel = await starting?.catch(() => undefined);
      await kernel?.stop();
    },
  };
}

/** The command of the Node kernel's host that tells digests: `demo-app/node/artefacts.ts`. */
const DIGEST = 'demo.artefacts:digest';

function ofNode(node: NodeClient): Runtime {
  return {
    title: 'Node',
    async call(command, input, signal) {
      try {
        const value = await node.execute(command, input, { signal, timeout: TIMEOUT });
        return value === STREAM ? { kind: 'stream' } : { kind: 'answer', value };
      } catch (error) {
        return failureOf(error);
      }
    },
    async artefact(plugin, signal) {
      const answer = await node.execute(DIGEST, { plugin }, { signal, timeout: TIMEOUT });
      const { sha256: digest } = answer as { readonly sha256?: unknown };
      if (typeof digest !== 'string') throw new Error('the Node kernel tells no digest');
      return digest.slice(0, 64);
    },
    stop: async () => {},
  };
}

/** What a plugin throws itself has no code of the kernel, and none over HTTP either. */
function failureOf(error: unknown): Outcome {
  const { code } = error instanceof PluginError || error instanceof NodeCallError ? error : {};
  return failure(code ?? 'call/failed', error instanceof Error ? error.message : String(error));
}

const isStream = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
