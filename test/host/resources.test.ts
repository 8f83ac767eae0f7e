/** Resource limits of plugins in workers; and invalid limits. */

import { createKernel, type Kernel, packageSource, type ResourcePolicy } from '@plinth/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection } from '../support/kernels.ts';
import { limits } from './resources-conformance.ts';

limits({ isolation: 'worker', createHost });

describe(`${runtime}: invalid limits`, () => {
  let kernel: Kernel | undefined;
  afterEach(() => kernel?.stop());
  it.each<readonly [string, unknown]>([
    ['policy.resources', 5],
    ['policy.resources.tennant', { tennant: {} }],
    ['policy.resources.default.cpus', { default: { cpus: 1 } }],
    ['policy.resources.default.cpu', { default: { cpu: -1 } }],
    ['policy.resources.default.memory', { default: { memory: '5 elephants' } }],
    ['policy.resources.plugins.a', { plugins: { a: 7 } }],
    ['policy.resources.levels.friend', { levels: { friend: {} } }],
    ['policy.resources.tenant.timers', { tenant: { timers: 5 } }],
    ['policy.resources.patience', { patience: 0 }],
  ])('%s is refused by name', async (option, resources) => {
    const error = await rejection(
      createKernel({
        sources: [packageSource([])],
        policy: { resources: resources as ResourcePolicy },
      }).then((made) => {
        kernel = made;
      }),
    );
    expect(error).toMatchObject({ code: 'kernel/invalid-option', details: { option } });
  });
});
