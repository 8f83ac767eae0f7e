/** Requests routes. */

import type { Client } from '../../contract/contract-types.js';
import type { InferOutput } from '../../contract/schema.js';
import type { HttpRoutes } from '../../contracts/http-routes.js';

/** Samples for the checks of `HttpRoutes`. */
export interface HttpRoutesSamples {
  /** A concrete path for each listed path with parameters. Listed paths without one are skipped. */
  readonly paths?: Readonly<Record<string, string>>;
}

type Answer = InferOutput<NonNullable<typeof HttpRoutes.handle.output>>;

/** A route that can be requested. */
interface Route {
  readonly method: string;
  readonly path: string;
  readonly area?: 'api' | 'web' | undefined;
}

/** Common notations for parameters in paths. */
export const PARAMETER = /[:{}*<>[\]]/;

/** What the checks request with. */
export class Probe {
  readonly client: Client<typeof HttpRoutes>;
  private readonly paths: Readonly<Record<string, string>>;

  constructor(client: Client<typeof HttpRoutes>, { paths = {} }: HttpRoutesSamples) {
    this.client = client;
    this.paths = paths;
  }

  /** The status of one answer. */
  async statusOf({ method, path, area }: Route): Promise<number> {
    return (await this.client.handle({ method, path, area })).status;
  }

  /** Listed routes that can be requested. */
  async routes(): Promise<readonly Route[]> {
    return (await this.client.list()).flatMap(({ method, path, area }) => {
      const concrete = Object.hasOwn(this.paths, path)
        ? this.paths[path]
        : PARAMETER.test(path)
          ? undefined
          : path;
      return concrete === undefined ? [] : [{ method, path: concrete, area }];
    });
  }

  /** The answers of all listed `GET` routes that can be requested. */
  async answers(): Promise<readonly (Route & { readonly answer: Answer })[]> {
    const gets = (await this.routes()).filter(({ method }) => method === 'GET');
    return Promise.all(
      gets.map(async ({ method, path, area }) => ({
        method,
        path,
        area,
        answer: await this.client.handle({ method, path, area }),
      })),
    );
  }
}
