/**
 * Ways to the network and to a browser's stored data, bypassing the kernel. In a page the frame's
 * policy must hold by itself too: that is `process`.
 */
import { runtime } from '#host';
import {
  type Attack,
  type AttackClass,
  attack,
  disturbed,
  type Isolation,
  startScene,
  witness,
} from './attack.ts';

/** A global that may be hidden by an undefined property. */
const REVEAL = `
  const reveal = (name) => { if (globalThis[name] === undefined) try { delete globalThis[name]; } catch {} return globalThis[name]; };
  const later = (ms) => new Promise((done) => setTimeout(done, ms));`;

interface Way {
  readonly code: string;
  readonly only?: Attack['only'];
  /** Another witness than the server. Returns what it has seen. */
  readonly look?: (token: string) => unknown;
  /** Runs before the guest starts. Returns its undo. */
  readonly prepare?: (token: string, seen: (what: unknown) => void) => () => void;
  readonly control?: Attack['control'];
}

/**
 * The witness is the server, or the page itself; the control runs inline, in the realm of the host.
 */
function way(name: string, { code, only, look, prepare, control }: Way): Attack {
  const run = async (isolation: Isolation) => {
    const { at, seen } = witness();
    const token = at.slice(-36);
    let heard: unknown;
    const undo = prepare?.(token, (what) => {
      heard = what;
    });
    try {
      const kernel = await startScene(
        isolation,
        `const at = ${JSON.stringify(at)}, token = ${JSON.stringify(token)}; ${REVEAL} ${code}`,
      );
      await attack(kernel, undefined, 2_000);
      await new Promise((resolve) => setTimeout(resolve, isolation === 'inline' ? 200 : 30));
      return (await seen()) ?? heard ?? (await look?.(token)) ?? (await disturbed(kernel));
    } finally {
      undo?.();
    }
  };
  return {
    name,
    ...(only && { only }),
    also: runtime === 'browser' ? ['process'] : [],
    attempt: run,
    control: control ?? (() => run('inline')),
  };
}

const page = (what: string) => ['browser', `Node has no ${what}`] as const;
const node = (what: string) => ['node', `a page has no ${what}`] as const;
const databases = async (token: string) =>
  (await indexedDB.databases()).find(({ name }) => name === token)?.name;

export const network: AttackClass = [
  'network and side doors',
  [
    way('fetch', { code: "await reveal('fetch')(at + '/fetch');" }),
    way('fetch without an answer, kept alive', {
      code: "await reveal('fetch')(at + '/post', { method: 'POST', mode: 'no-cors', keepalive: true, body: 'x' });",
    }),
    way('fetch through a Request and a subclass of URL', {
      code: "const Request = reveal('Request'); await reveal('fetch')(new Request(new (class extends URL {})(at + '/request')));",
    }),
    way('a web socket', {
      code: "const Socket = reveal('WebSocket'); new Socket(at.replace('http', 'ws')); await later(150);",
    }),
    way('an event source', {
      code: "const Source = reveal('EventSource'); new Source(at + '/events'); await later(150);",
      only: page('EventSource'),
    }),
    way('XMLHttpRequest', {
      code: "const Request = reveal('XMLHttpRequest'); const request = new Request(); request.open('GET', at + '/xhr'); request.send(); await later(150);",
      only: page('XMLHttpRequest'),
    }),
    way('a beacon', {
      code: "reveal('navigator').sendBeacon(at + '/beacon', 'x'); await later(150);",
      only: page('beacons'),
    }),
    way('an image, a style and a script', {
      code: "const page = reveal('document'); new (reveal('Image'))().src = at + '/image'; const link = page.createElement('link'); link.rel = 'stylesheet'; link.href = at + '/css'; page.head.append(link); await later(150); link.remove();",
      only: page('documents'),
    }),
    way('a worker of its own, from a blob', {
      code: "const text = 'fetch(' + JSON.stringify(at + '/nested') + ')'; const worker = new (reveal('Worker'))(URL.createObjectURL(new (reveal('Blob'))([text], { type: 'text/javascript' }))); await later(300);",
      only: page('Worker'),
    }),
    way('a worker of its own, from a data URL', {
      code: "new (reveal('Worker'))('data:text/javascript,' + encodeURIComponent('fetch(' + JSON.stringify(at + '/nested') + ', { mode: \"no-cors\" })')); await later(300);",
      only: page('Worker'),
    }),
    way('importScripts', {
      code: "reveal('importScripts')(at + '/script'); await later(100);",
      only: page('importScripts'),
      // A page has none: a worker of another kind shows what it would do.
      async control() {
        const { at, seen } = witness();
        const worker = new Worker(
          URL.createObjectURL(
            new Blob([
              `try { importScripts(${JSON.stringify(`${at}/script`)}); } catch {} postMessage(1);`,
            ]),
          ),
        );
        await new Promise((resolve) => worker.addEventListener('message', resolve));
        worker.terminate();
        return seen();
      },
    }),
    way('a module by its URL, from an eval', {
      code: `await (0, eval)("import('" + at + "/module.js')");`,
      only: ['browser', 'Node loads nothing over HTTP'],
    }),
    way('import.source of a URL', {
      code: `for (const make of [() => (0, eval)("import.source('" + at + "/x.wasm')"), () => (0, eval)("import('" + at + "/x.js')")]) try { await make(); } catch {}`,
      only: ['browser', 'Node loads nothing over HTTP'],
    }),
    way('a channel to other pages of the origin', {
      code: "const channel = new (reveal('BroadcastChannel'))(token); channel.postMessage('heard'); await later(100); channel.close();",
      prepare(token, seen) {
        const channel = new BroadcastChannel(token);
        channel.onmessage = ({ data }) => seen(data);
        return () => channel.close();
      },
    }),
    way('messages to the page around', {
      code: "for (const get of [() => reveal('parent'), () => reveal('top'), () => reveal('window'), () => reveal('opener'), () => globalThis]) try { get().postMessage(token, '*'); } catch {} await later(50);",
      only: page('windows'),
      prepare(token, seen) {
        const heard = ({ data }: MessageEvent) => data === token && seen(data);
        addEventListener('message', heard);
        return () => removeEventListener('message', heard);
      },
    }),
    way('a database of the origin', {
      code: "reveal('indexedDB').open(token); await later(150);",
      only: page('IndexedDB'),
      look: databases,
    }),
    way('a cache of the origin', {
      code: "await reveal('caches').open(token);",
      only: page('caches'),
      look: async (token) => ((await caches.has(token)) ? token : undefined),
    }),
    way('local storage and cookies', {
      code: "try { reveal('localStorage').setItem(token, '1'); } catch {} reveal('document').cookie = 'plinth=' + token; reveal('cookieStore')?.set('plinth', token);",
      only: page('origins'),
      look: (token) =>
        localStorage.getItem(token) ?? (document.cookie.includes(token) ? token : undefined),
    }),
    way('a lock of the origin', {
      code: "reveal('navigator').locks.request(token, () => later(1_000)); await later(30);",
      only: page('locks shared with others'),
      look: async (token) =>
        (await navigator.locks.query()).held?.find(({ name }) => name === token)?.name,
    }),
    way('files of the origin', {
      code: "await (await reveal('navigator').storage.getDirectory()).getFileHandle(token, { create: true });",
      only: page('origins'),
      async look(token) {
        const folder = await navigator.storage.getDirectory();
        return folder.getFileHandle(token).then(
          ({ name }) => name,
          () => undefined,
        );
      },
    }),
    way('a stylesheet, an object and a form, by markup', {
      code: "const body = reveal('document').body, box = reveal('document').createElement('div'); box.innerHTML = '<object data=\"' + at + '/object\"></object><img src=\"' + at + '/img\"><video poster=\"' + at + '/poster\"></video>'; body.append(box); await later(150); box.remove();",
      only: page('documents'),
    }),
    way('a socket', {
      code: `const { connect } = await (0, eval)("import('node:net')"); const { hostname, port, pathname } = new URL(at); connect(Number(port), hostname).write('GET ' + pathname + '/socket HTTP/1.0\\r\\n\\r\\n'); await later(100);`,
      only: node('sockets'),
    }),
    way('a socket, by the modules of the process', {
      code: `const { connect } = (reveal('process') ?? reveal('require')).getBuiltinModule('node:net'); const { hostname, port, pathname } = new URL(at); connect(Number(port), hostname).write('GET ' + pathname + '/socket HTTP/1.0\\r\\n\\r\\n'); await later(100);`,
      only: node('sockets'),
    }),
    way('a client of HTTP/2', {
      code: `const { get } = await (0, eval)("import('node:http')"); get(at + '/http').on('error', () => {}); const { connect } = await (0, eval)("import('node:http2')"); connect(at).on('error', () => {}); await later(100);`,
      only: node('modules'),
    }),
  ],
];
