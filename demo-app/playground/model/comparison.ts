/** How often a command was run in two runtimes, and compared. */
import { Changes } from './store.ts';

/** The comparisons of this page. */
export class Comparison {
  readonly changes = new Changes();
  /** Those that have ended. */
  readonly count: number = 0;
}
