/**
 * The two documents of a frame. The outer one is the host's: its policy forbids what the inner one,
 * which has the plugin's script, would load or go to. A policy of the inner one alone would let it
 * go elsewhere, and take along what it knows.
 */
import { sha256 } from '@plinth/sdk/contract';

/** Both frames run scripts, in an origin of their own, and nothing else. */
export const SANDBOX = 'allow-scripts';

/**
 * Stands in front of the plugin's script, in one script with it, which alone the policy lets run:
 * also a frame that the plugin makes in its frame begins with this.
 */
const PRELUDE = `'use strict';(() => {
  // No policy covers these, and they reach any address.
  for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'RTCDataChannel', 'WebTransport'])
    delete globalThis[name];
  const waiting = new Map(), listeners = new Set();
  let last = 0, port, begun;
  const ready = new Promise((done) => { begun = done; });
  const hear = ({ data }) => {
    const [kind, id, value, mark] = JSON.parse(data);
    if (mark !== undefined) port.postMessage(JSON.stringify(['heard', mark]));
    if (kind === 'message') for (const listener of [...listeners]) listener(value);
    if (kind === 'look') for (const [name, text] of Object.entries(value)) document.documentElement.style.setProperty(name, text);
    const call = waiting.get(id);
    if (call === undefined) return;
    waiting.delete(id);
    if (kind === 'answer') call.resolve(value);
    else call.reject(new Error(value));
  };
  const plinth = {
    ready,
    call: (name, input = null) => ready.then(() => new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      port.postMessage(JSON.stringify(['call', last, String(name), JSON.stringify(input)]));
    })),
    on: (listener) => { listeners.add(listener); return () => listeners.delete(listener); },
  };
  Object.defineProperty(globalThis, 'plinth', { value: plinth });
  addEventListener('message', ({ source, data, ports }) => {
    if (source !== parent || port !== undefined || ports.length !== 1) return;
    [port] = ports;
    port.onmessage = hear;
    port.postMessage(JSON.stringify(['ready', 0]));
    begun(JSON.parse(data));
  });
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !event.defaultPrevented) port?.postMessage(JSON.stringify(['leave', 0]));
  });
})();
`;

/** Makes the inner frame, and gives it the port. */
const OUTER = `addEventListener('message', ({ source, data, ports: [port] }) => {
  if (source !== parent) return;
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.title = data.title;
  frame.onload = () => frame.contentWindow.postMessage(data.props, '*', [port]);
  frame.srcdoc = data.page;
  document.body.append(frame);
}, { once: true });`;

const LOOK = `html,body{margin:0;block-size:100%}iframe{display:block;border:0;inline-size:100%;block-size:100%}`;

/** The documents of a frame. */
export interface FrameDocuments {
  readonly outer: string;
  readonly inner: string;
}

/** Makes both documents for the script of a plugin. */
export async function documentsOf(script: string): Promise<FrameDocuments> {
  const own = inScript(`${PRELUDE}\n${script}`);
  const hashes = await Promise.all([OUTER, own].map(hashOf));
  const policy = [
    `default-src 'none'`,
    `script-src ${hashes.join(' ')}`,
    `style-src 'unsafe-inline'`,
    'img-src data: blob:',
    'media-src data: blob:',
    'font-src data:',
    `frame-src 'none'`,
    `form-action 'none'`,
    `base-uri 'none'`,
  ].join('; ');
  return {
    outer: `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"><style>${LOOK}</style><body><script>${OUTER}</script>`,
    inner: `<!doctype html><meta charset="utf-8"><style>html{color-scheme:light dark}body{margin:0}</style><body><script>${own}</script>`,
  };
}

/** Text that doesn't end the script that it stands in, nor begins a comment of markup there. */
const inScript = (text: string): string =>
  text
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', '\n')
    .replaceAll('\0', ' ')
    .replace(/<(?=\/script|!--)/gi, '\\x3c');

/** As a policy names a script. */
async function hashOf(text: string): Promise<string> {
  const digits = await sha256(new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>);
  const bytes = digits.replace(/../g, (pair) => String.fromCharCode(Number.parseInt(pair, 16)));
  return `'sha256-${btoa(bytes)}'`;
}
