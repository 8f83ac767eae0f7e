/**
 * The built-in extensions that `createKernel` has in Node, in their order. An application that
 * wants fewer leaves them out by their option, or makes a preset of its own with `kernelWith`.
 */
import { audit } from '@plinth/kernel/audit';
import { grants } from '@plinth/kernel/grants';
import { hibernation } from '@plinth/kernel/hibernation';
import { installer } from '@plinth/kernel/installer';
import { limits } from '@plinth/kernel/limits';
import { liveConfig } from '@plinth/kernel/live-config';
import { messaging } from '@plinth/kernel/messaging';
import { metrics } from '@plinth/kernel/metrics';
import { network } from '@plinth/kernel/network';
import { kernelWith } from '@plinth/kernel/preset';
import { resilience } from '@plinth/kernel/resilience';
import { secrets } from '@plinth/kernel/secrets';
import { services } from '@plinth/kernel/services';
import { supervision } from '@plinth/kernel/supervision';
import { trust } from '@plinth/kernel/trust';

/** Makes a kernel with them. */
export const createWithPreset = kernelWith([
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
