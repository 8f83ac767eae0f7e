/** Lets vitest drive WebKitGTK's MiniBrowser through its own WebDriver, on a separate display. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { defineBrowserProvider } from '@vitest/browser';
import type { BrowserProvider, BrowserProviderOption, TestProject } from 'vitest/node';
import { inputOf } from './webkit-input.ts';

/** Milliseconds until the driver must answer. */
const DRIVER_READY = 10_000;

/**
 * A provider of one browser window. It owns the display, the driver and, through the driver, the
 * browser.
 */
class WebKitGtk implements BrowserProvider {
  readonly name = 'webkitgtk';
  readonly supportsParallelism = false;
  readonly initScripts: string[] = [
    fileURLToPath(new URL('./webkit-locators.ts', import.meta.url)),
  ];
  readonly #binary: string;
  readonly #owned: ChildProcess[] = [];
  #driver = '';
  #session: Promise<string> | undefined;

  constructor(project: TestProject, binary: string) {
    this.#binary = binary;
    const commands = {
      // Requested before the first test; this browser keeps the size of its window.
      __vitest_viewport() {},
      ...inputOf(async (method, path, body) =>
        this.#ask(method, `${await this.#session}${path}`, body),
      ),
    };
    for (const [name, command] of Object.entries(commands))
      project.browser?.registerCommand(name as never, command as never);
    process.once('exit', () => this.#endAll());
  }

  getCommandsContext(): Record<string, unknown> {
    return {};
  }

  async openPage(_sessionId: string, url: string): Promise<void> {
    this.#session ??= this.#open();
    await this.#ask('POST', `${await this.#session}/url`, { url });
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    this.#session = undefined;
    if (session !== undefined) await this.#ask('DELETE', session).catch(() => {});
    this.#endAll();
  }

  async #open(): Promise<string> {
    const env: NodeJS.ProcessEnv = { ...process.env };
    if (env.DISPLAY === undefined && env.WAYLAND_DISPLAY === undefined)
      env.DISPLAY = await this.#display();
    const port = await freePort();
    this.#driver = `http://127.0.0.1:${port}`;
    this.#own(spawn('WebKitWebDriver', [`--port=${port}`], { stdio: 'ignore', env }));
    await this.#untilReady();
    const alwaysMatch = {
      'webkitgtk:browserOptions': { binary: this.#binary, args: ['--automation'] },
    };
    const { sessionId } = (await this.#ask('POST', '/session', {
      capabilities: { alwaysMatch },
    })) as { sessionId: string };
    return `/session/${sessionId}`;
  }

  /** Xvfb picks a free display number and writes it to its fourth pipe. */
  async #display(): Promise<string> {
    const server = this.#own(
      spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'], {
        stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      }),
    );
    const [number] = (await once(server.stdio[3] as Readable, 'data')) as [Buffer];
    return `:${number.toString().trim()}`;
  }

  /** The driver doesn't report when it listens, so it is polled. */
  async #untilReady(): Promise<void> {
    for (const end = performance.now() + DRIVER_READY; ; ) {
      try {
        await this.#ask('GET', '/status');
        return;
      } catch (error) {
        if (performance.now() > end) throw error;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
  }

  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(this.#driver + path, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const { value } = (await response.json()) as { value: unknown };
    if (!response.ok)
      throw new Error(`WebKitWebDriver refused ${method} ${path}: ${JSON.stringify(value)}`);
    return value;
  }

  #own<T extends ChildProcess>(child: T): T {
    this.#owned.unshift(child);
    return child;
  }

  #endAll(): void {
    for (const child of this.#owned.splice(0)) child.kill();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** For `browser.provider`; `binary` is a MiniBrowser. */
export function webkitGtk(binary: string): BrowserProviderOption {
  return defineBrowserProvider({
    name: 'webkitgtk',
    supportedBrowser: ['webkit'],
    options: {},
    providerFactory: (project) => new WebKitGtk(project, binary),
  });
}
