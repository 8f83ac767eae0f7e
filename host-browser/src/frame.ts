/**
 * The host side of a guest in a frame: an `iframe` with an opaque origin and a policy that blocks
 * all network access, with a worker in it. The guest side is `frame-page.ts` and `plugin-frame.ts`.
 */
import type { ExitReason, Guest } from '@plinth/kernel';
import { alarm, createError, READY } from '@plinth/sdk/contract';
import type { Endpoint } from '@plinth/sdk/rpc';
import { FRAME, FRAME_FAILED, type FrameOrder, framePage } from './frame-page.js';
import { isolatedCure } from './trusted.js';

/**
 * Blocks everything in and out: code comes over the port, and only the kernel uses the network. No
 * `webrtc 'block'`: no engine supports it yet, each warns about it in the page's console, and a
 * plugin runs in the frame's worker, where there is no WebRTC.
 */
const POLICY =
  "default-src 'none'; script-src 'unsafe-eval'; worker-src data:; connect-src 'none'; base-uri 'none'; form-action 'none'";

const FILE_CURE =
  "serve plinth-frame.html and plinth-frame.js of @plinth/host-browser and pass browserHost({ frame: '/plinth-frame.html' })";

let workers: Promise<Record<'process' | 'sandbox', string>> | undefined;

/**
 * Starts a guest in its own frame. `id` names the plugin in messages; `ready` is in milliseconds;
 * `page` is the URL where `frame.html` is served. Without it the frame has no file.
 */
export async function startFrame(
  id: string,
  hardened: boolean,
  ready: number,
  page: string | undefined,
): Promise<Guest> {
  if (typeof document === 'undefined')
    throw failed(
      id,
      "there is no document here, and without a frame there is no wall: run the kernel in a page, or give the plugin isolation 'worker'",
    );
  workers ??= workerUrls();
  const worker = (await workers)[hardened ? 'sandbox' : 'process'];
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.setAttribute('allow', '');
  frame.referrerPolicy = 'no-referrer';
  frame.title = 'plinth';
  frame.hidden = true;
  frame.setAttribute('aria-hidden', 'true');
  try {
    if (page === undefined)
      frame.srcdoc = `<!doctype html><meta charset="utf-8"><script>(${framePage})()</script>`;
    else frame.src = page;
  } catch (cause) {
    // A frame without a file inherits the policies of its page, and hardening evaluates text.
    throw failed(
      id,
      `the page takes only Trusted Types, and a frame without a file is text: ${FILE_CURE}`,
      cause,
    );
  }
  const { port1, port2 } = new MessageChannel();
  let settle!: (reason: ExitReason) => void;
  const exited = new Promise<ExitReason>((resolve) => {
    settle = resolve;
  });
  const heard = (event: MessageEvent) => {
    // Accepts messages from this frame only. Their content is still untrusted.
    if (event.source !== frame.contentWindow) return;
    if (event.data === FRAME)
      frame.contentWindow?.postMessage({ policy: POLICY, worker } satisfies FrameOrder, '*', [
        port2,
      ]);
    else if (Array.isArray(event.data) && event.data[0] === FRAME_FAILED)
      settle({
        kind: 'crashed',
        error: new Error(
          `the worker in its frame failed: ${String(event.data[1]).slice(0, 1_024)}`,
        ),
      });
  };
  const guest: Guest = {
    endpoint: endpointOf(port1),
    exited,
    async terminate() {
      removeEventListener('message', heard);
      port1.close();
      frame.remove();
      settle({ kind: 'terminated' });
    },
  };
  void exited.then(() => {
    removeEventListener('message', heard);
    frame.remove();
  });
  addEventListener('message', heard);
  document.body.append(frame);
  try {
    await announced(port1, id, ready, exited, page);
  } catch (error) {
    await guest.terminate();
    throw error;
  }
  return guest;
}

async function workerUrls(): Promise<Record<'process' | 'sandbox', string>> {
  const { hardened, boot, runtime } = await import('./frame-source.js');
  const url = (harden: boolean) => {
    // The text of a classic script: in a module it would look for a `this` that doesn't exist.
    const text = `${harden ? `(0, eval)(${JSON.stringify(hardened)});\n` : ''}${boot}\n;plinthFrame.start({ hardened: ${harden}, runtime: ${JSON.stringify(runtime)} });\n//# sourceURL=plinth:runtime`;
    return `data:text/javascript;charset=utf-8,${encodeURIComponent(text)}`;
  };
  return { process: url(false), sandbox: url(true) };
}

function endpointOf(port: MessagePort): Endpoint {
  return {
    postMessage: (message, transfer) =>
      port.postMessage(message, (transfer ?? []) as Transferable[]),
    addEventListener(type, listener) {
      port.addEventListener(type, listener as unknown as EventListener);
      port.start();
    },
    removeEventListener: (type, listener) =>
      port.removeEventListener(type, listener as unknown as EventListener),
  };
}

function announced(
  port: MessagePort,
  id: string,
  timeout: number,
  exited: Promise<ExitReason>,
  page: string | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const cure =
      page === undefined
        ? `where the page's Content-Security-Policy doesn't let a frame without a file run its script, ${FILE_CURE}`
        : `is plinth-frame.html with its plinth-frame.js served at ${page}, and does the page's Content-Security-Policy allow it as a frame?`;
    const isolation =
      page === undefined ? undefined : isolatedCure('plinth-frame.html and plinth-frame.js');
    const isolated = isolation === undefined ? '' : `. ${isolation}`;
    const late = alarm(
      () =>
        done(() =>
          reject(
            failed(
              id,
              `its frame did not announce itself within ${timeout} ms: ${cure}${isolated}`,
            ),
          ),
        ),
      timeout,
    );
    const onMessage = ({ data }: MessageEvent) => {
      if (Array.isArray(data) && data[0] === READY) done(resolve);
    };
    const done = (then: () => void) => {
      late.clear();
      port.removeEventListener('message', onMessage);
      then();
    };
    port.addEventListener('message', onMessage);
    port.start();
    void exited.then(({ error }) =>
      done(() =>
        reject(
          failed(
            id,
            error instanceof Error ? error.message : 'its frame ended while it started',
            error,
          ),
        ),
      ),
    );
  });
}

function failed(id: string, message: string, cause?: unknown): Error {
  return createError('plugin/launch-failed', `cannot launch ${id}: ${message}`, {
    plugin: id,
    ...(cause !== undefined && { cause }),
  });
}
