/** A host that knows which guests live, and can end one without telling the kernel. */
import type { Guest, Host } from '@plinth/kernel';

type Exit = Awaited<Guest['exited']>;

/** Wraps the host under test. */
export class MortalHost implements Host {
  readonly runtime?: string;
  readonly isolations: Host['isolations'];
  readonly #host: Host;
  readonly #live = new Map<Guest, { readonly id: string; end(reason: Exit): void }>();
  launches = 0;

  constructor(host: Host) {
    this.#host = host;
    this.isolations = host.isolations;
    if (host.runtime !== undefined) this.runtime = host.runtime;
  }

  async launch(request: Parameters<Host['launch']>[0]): Promise<Guest> {
    const guest = await this.#host.launch(request);
    this.launches += 1;
    const ended = new Promise<Exit>((resolve) => {
      this.#live.set(guest, { id: request.plugin.id, end: resolve });
    });
    void guest.exited.then(() => this.#live.delete(guest));
    return {
      endpoint: guest.endpoint,
      ...(guest.ports !== undefined && { ports: guest.ports }),
      exited: Promise.race([guest.exited, ended]),
      terminate: () => guest.terminate(),
    };
  }

  /** Ends the guests of a plugin, as a crash or an outside termination would. */
  kill(id: string, kind: 'crashed' | 'terminated'): void {
    for (const [guest, one] of this.#live) {
      if (one.id !== id) continue;
      one.end(kind === 'crashed' ? { kind, error: new Error('killed') } : { kind });
      void guest.terminate();
    }
  }

  /** Ids of the plugins whose guests have not ended. */
  get live(): readonly string[] {
    return [...this.#live.values()].map(({ id }) => id);
  }

  defer(task: () => void): void {
    if (this.#host.defer === undefined) setTimeout(task, 0);
    else this.#host.defer(task);
  }

  async close(): Promise<void> {
    await this.#host.close?.();
  }
}
