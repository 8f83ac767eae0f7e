/** Checks what a guest says about its plugin against the plugin's manifest. */
import { createError, type Manifest, type Statics } from '@plinth/sdk/contract';
import type { IsOpen } from '../calls/open-contracts.js';
import type { Log } from '../telemetry/logger.js';
import { baseOf } from './needs.js';

/**
 * Answers only the parts that were checked, because the answer is kept.
 *
 * @throws PluginLifecycleError `plugin/load-failed`.
 */
export function checkStatics(
  statics: Statics,
  manifest: Manifest,
  isOpen: IsOpen,
  log: Log,
): Statics {
  if (!isSound(statics))
    throw createError(
      'plugin/load-failed',
      `cannot load ${manifest.id}: its guest described it in a form that is not well formed`,
      { plugin: manifest.id },
    );
  checkProvided(statics, manifest, isOpen, log);
  for (const { contract, optional } of statics.needs) {
    const base = baseOf(contract);
    if (!manifest.needs.some((need) => need.startsWith(`${base}@`))) {
      log.write(
        'kernel',
        'warn',
        `${manifest.id} needs '${contract}'${optional ? ' (optional)' : ''}, which its manifest doesn't list in 'needs': its calls will be refused`,
      );
    }
  }
  return {
    provides: statics.provides,
    hooks: statics.hooks,
    needs: statics.needs.map(({ name, contract, optional }) => ({ name, contract, optional })),
  };
}

/** Whether it has the form that a guest's runtime gives it. */
function isSound(statics: Statics): boolean {
  const isText = (one: unknown) => typeof one === 'string' && one.length <= 512;
  const texts = (list: unknown) =>
    Array.isArray(list) && list.length <= 1_024 && list.every(isText);
  return (
    texts(statics?.provides) &&
    texts(statics.hooks) &&
    Array.isArray(statics.needs) &&
    statics.needs.length <= 1_024 &&
    statics.needs.every(
      (need) => isText(need?.name) && isText(need.contract) && typeof need.optional === 'boolean',
    )
  );
}

function checkProvided(statics: Statics, manifest: Manifest, isOpen: IsOpen, log: Log): void {
  const declared = new Set(manifest.provides ?? statics.provides);
  for (const id of statics.provides) {
    const foreign = !id.startsWith(`${manifest.id}@`) && !isOpen(baseOf(id));
    if (foreign) {
      throw createError(
        'plugin/load-failed',
        `cannot load ${manifest.id}: its code provides '${id}', which is not under its own id`,
        {
          plugin: manifest.id,
          details: { contract: id },
        },
      );
    }
    if (!declared.has(id))
      log.write(
        'kernel',
        'warn',
        `${manifest.id} provides '${id}', which its manifest doesn't list in 'provides'`,
      );
  }
  for (const id of manifest.provides ?? []) {
    // A plugin without a version of it may still answer commands. That is known once active.
    const other = statics.provides.includes(id)
      ? undefined
      : statics.provides.find((one) => !declared.has(one) && baseOf(one) === baseOf(id));
    if (other === undefined) continue;
    throw createError(
      'plugin/load-failed',
      `cannot load ${manifest.id}: its manifest provides '${id}', its code '${other}'`,
      {
        plugin: manifest.id,
        details: { contract: other, expected: id },
      },
    );
  }
}
