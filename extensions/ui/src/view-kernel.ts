/** What showing a view needs of a kernel. */
import type { HostCallOptions } from '@plinth/kernel';
import type { AnyContract, Client, Manifest } from '@plinth/sdk';

/** A kernel or a tenant of one, as far as views need it. */
export interface ViewKernel {
  client<C extends AnyContract>(
    contract: C,
    options?: { readonly provider?: string; readonly version?: string },
  ): Client<C, HostCallOptions>;
  readonly events: {
    on(
      pattern: string,
      listener: (event: { readonly topic: string; readonly payload: unknown }) => unknown,
    ): { dispose(): void };
  };
  readonly plugins: {
    get(id: string):
      | {
          readonly name?: string;
          readonly manifest?: Manifest;
          readonly enabled?: boolean;
          readonly state?: string;
        }
      | undefined;
  };
}
