/**
 * The Node kernel beside the playground: it runs the plugin files that the page runs, and answers
 * the page over the HTTP extension. Its data lives in memory.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createKernel, type Kernel } from '@plinth/host-node';
import { http, type Listeners } from '@plinth/http/host';
import { provideArtefacts } from './artefacts.ts';

/** A kernel that runs, and the listeners that a server mounts. */
export interface NodeRuntime extends Listeners {
  readonly kernel: Kernel;
  /** Who has it is an operator. Another start has another one. */
  readonly token: string;
  /** Ends its plugins and its WebSockets. It may be called twice. */
  stop(): Promise<void>;
}

/** Names of this machine. Another name that leads here is refused: a page of another site chose it. */
const HOSTS = ['127.0.0.1', 'localhost'];
const PAGE = 'playground';

/** Starts the kernel with all plugins of a folder. */
export async function startNodeRuntime(plugins: string): Promise<NodeRuntime> {
  const token = randomBytes(32).toString('base64url');
  const kernel = await createKernel({
    plugins,
    limits: { deactivate: 500 },
    extensions: [
      http({
        hosts: HOSTS,
        mount: false,
        authenticate: ({ headers }) => (bears(headers, token) ? PAGE : undefined),
        events: { topics: ['demo.*'], authorize: () => true },
      }),
    ],
  });
  try {
    provideArtefacts(kernel);
    await kernel.start();
    const { admin, listeners } = kernel.extension(http);
    await admin(kernel, {
      tokens: { [token]: { name: PAGE, role: 'operator' } },
      // The page is the one client, and measures.
      rate: Number.POSITIVE_INFINITY,
    });
    return { kernel, token, stop: () => kernel.stop(), ...(await listeners()) };
  } catch (error) {
    await kernel.stop();
    throw error;
  }
}

/** Whether a request has the token. How long that takes tells nothing about the token. */
function bears(headers: Headers, token: string): boolean {
  const given = headers.get('authorization')?.replace(/^Bearer /i, '') ?? '';
  return timingSafeEqual(digest(given), digest(token));
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
