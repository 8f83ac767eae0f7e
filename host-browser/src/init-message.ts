/** The first message to a worker, before any link exists. */

/** Its type. */
export const INIT = 'plinth:init';

/** What a worker needs to start. */
export interface InitMessage {
  readonly type: typeof INIT;
  /** Name of the lock it holds for as long as it lives. */
  readonly lock: string;
}
