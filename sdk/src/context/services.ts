/** `ctx.services`. */
import type { Handlers } from '../contract/call-context.js';
import type { AnyContract } from '../contract/contract.js';
import type { Client } from '../contract/contract-types.js';
import type { Registered } from './registered.js';

/** Clients and handlers for contracts that `needs` doesn't list. */
export interface PluginServices {
  /** See {@link PluginContext.provide}. */
  provide<C extends AnyContract>(contract: C, handlers: Handlers<C>): Registered;
  /** A typed client. Each call needs the permission to execute its command. */
  get<C extends AnyContract>(contract: C): Client<C>;
}
