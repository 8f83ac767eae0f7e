/** What happens in the Node kernel, as it comes: steps of plugins, calls, and events of plugins. */
import { EventLog } from './event-log.ts';
import { type FeedMessage, FeedSocket, type FeedStatus } from './feed-socket.ts';
import type { NodeClient, NodePlugin } from './node-client.ts';
import { Changes } from './store.ts';

/** Runs from its creation until it is closed. */
export class NodeFeed {
  /** The status or the plugins. The log has changes of its own. */
  readonly changes = new Changes();
  readonly log = new EventLog();
  plugins: readonly NodePlugin[] = [];
  readonly #client: NodeClient;
  readonly #sockets: readonly FeedSocket[];
  readonly #stop = new AbortController();
  #reading = false;
  #again = false;

  constructor(client: NodeClient) {
    this.#client = client;
    const open = (path: string, topics: readonly string[], message: (one: FeedMessage) => void) =>
      new FeedSocket((cursor) => client.events(path, topics, cursor), {
        message,
        changed: this.changes.announce,
      });
    this.#sockets = [
      open('api/v1/events', ['plugin:*', 'plugin:command'], (one) => this.#step(one)),
      open('events', ['demo.*'], (one) => this.#event(one)),
    ];
  }

  /** That of the connection that is worse off. */
  get status(): FeedStatus {
    const all = this.#sockets.map(({ status }) => status);
    return all.find((status) => status !== 'live') ?? 'live';
  }

  close(): void {
    this.#stop.abort();
    for (const socket of this.#sockets) socket.close();
  }

  /** A step of a plugin, or a call. */
  #step({ event, data }: FeedMessage): void {
    if (event !== 'plugin:command') void this.#readPlugins();
    if (event === 'hello') return;
    const { command, ok, took } = fieldsOf(data);
    this.#add(event, 'kernel', event === 'plugin:command' ? { command, ok, took } : data);
  }

  /** An event that a plugin has emitted. */
  #event({ event, data }: FeedMessage): void {
    if (event === 'hello') return;
    const { topic, source, payload } = fieldsOf(data);
    if (event === 'message') this.#add(String(topic), String(source), payload);
    else this.#add(event, 'kernel', data);
  }

  #add(topic: string, source: string, payload: unknown): void {
    this.log.add({ topic, source, payload, tenant: 'tenant-0' });
  }

  /** Reads the states of the plugins. A reading that is asked for meanwhile follows it. */
  async #readPlugins(): Promise<void> {
    this.#again = this.#reading;
    if (this.#reading) return;
    this.#reading = true;
    try {
      this.plugins = await this.#client.plugins(this.#stop.signal);
      this.changes.announce();
    } catch {
      // The server has gone. The feed reads them again when it is back.
    } finally {
      this.#reading = false;
    }
    if (this.#again && !this.#stop.signal.aborted) await this.#readPlugins();
  }
}

/** The members of what a feed tells. */
const fieldsOf = (data: unknown) => (data ?? {}) as Readonly<Record<string, unknown>>;
