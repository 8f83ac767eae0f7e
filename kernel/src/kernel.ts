/** `createKernel` with all built-in extensions. */
import { audit } from './extensions/audit/index.js';
import { grants } from './extensions/grants/index.js';
import { hibernation } from './extensions/hibernation/index.js';
import { installer } from './extensions/installer/index.js';
import { limits } from './extensions/limits/index.js';
import { liveConfig } from './extensions/live-config/index.js';
import { messaging } from './extensions/messaging/index.js';
import { metrics } from './extensions/metrics/index.js';
import { network } from './extensions/network/index.js';
import { resilience } from './extensions/resilience/index.js';
import { secrets } from './extensions/secrets/index.js';
import { services } from './extensions/services/index.js';
import { supervision } from './extensions/supervision/index.js';
import { trust } from './extensions/trust/index.js';
import { type CreateKernel, kernelWith } from './preset.js';

export { KERNEL_VERSION } from './kernel-options.js';
export type { CreateKernel, Kernel, KernelOptions, KernelWith } from './preset.js';

/**
 * Makes a kernel from explicit parts. `@plinth/host-node` and `@plinth/host-browser` export the
 * same function with the defaults of their runtime.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`, `config/invalid`.
 * @example
 * const kernel = await createKernel({ sources: [packageSource([{ manifest, code }])], isolation: 'inline' });
 * await kernel.start();
 */
export const createKernel: CreateKernel = kernelWith([
  audit,
  services,
  resilience,
  trust,
  grants,
  limits,
  supervision,
  messaging,
  network,
  secrets,
  liveConfig,
  metrics,
  installer,
  hibernation,
]);
