/** What the stages of a plugin's life work with. Each takes the part that it uses. */
import type { ConfigStore } from '../config/config-store.js';
import type { Lanes } from '../guests/lanes.js';
import type { RegistrantServices } from '../guests/registrant.js';
import type { Limits } from '../limits.js';
import type { Extending } from './extending.js';
import type { Loader } from './load.js';

/** What stages use of the kernel. */
export interface Stages {
  readonly loader: Loader;
  readonly config: Pick<ConfigStore, 'checked' | 'of' | 'revision'>;
  readonly lanes: Pick<Lanes, 'detour' | 'direct'>;
  readonly limits: Limits;
  /** Steps that extensions take part in. */
  readonly steps: Extending['steps'];
  /** What a plugin without a guest registers in. */
  readonly services: RegistrantServices;
}
