/** Network, files and environment for plugins that may use them. The rest is loaded when used. */
import type { FetchAsk, Machine, MachineUser } from '../../guests/machine.js';
import { abilityOf, type Host } from '../../host.js';
import type { FileParts } from './file-requests.js';

/** What the hosts of one tenant offer. */
export class Network implements Machine {
  readonly #hosts: readonly Host[];
  #files: FileParts | undefined;

  constructor(hosts: readonly Host[]) {
    this.#hosts = hosts;
  }

  environment(name: string): string | undefined {
    return abilityOf(this.#hosts, 'environment')?.(name);
  }

  async files(guest: MachineUser, request: readonly unknown[], data: unknown): Promise<unknown> {
    const [{ askFiles }, { FileBudget }] = await Promise.all([
      import('./file-requests.js'),
      import('./file-budget.js'),
    ]);
    this.#files ??= {
      files: this.#hosts.find(({ files }) => files !== undefined)?.files,
      budget: new FileBudget(),
    };
    return askFiles(guest, request, data, this.#files);
  }

  async fetch(
    { manifest, permissions }: MachineUser,
    demand: (method: string, url: string) => void,
    ask: FetchAsk,
    signal: AbortSignal,
    namesHost: (url: string) => boolean,
  ): Promise<unknown> {
    const { fetchFor } = await import('./fetch.js');
    const send = abilityOf(this.#hosts, 'send');
    return fetchFor(manifest.id, permissions, demand, send, ask, signal, namesHost);
  }
}
