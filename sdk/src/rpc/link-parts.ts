/** What the parts of one link share. */
import type { CarriedStreams } from './carried-streams.js';
import type { DirectPath } from './direct-path.js';
import type { IncomingValues } from './incoming-values.js';
import type { LinkOptions } from './link-options.js';
import type { Outbox } from './outbox.js';
import type { Streams } from './streams.js';

/** Created by the link. Each part names the members that it uses. */
export interface LinkParts {
  readonly options: LinkOptions;
  readonly values: IncomingValues;
  readonly streams: Streams;
  readonly carried: CarriedStreams;
  readonly outbox: Outbox;
  readonly direct: DirectPath;
}
