/** The topics of the kernel's own events, and the check of a pattern that listens for them. */
import { covers, createError, didYouMean, RESERVED_SEGMENTS } from '@plinth/sdk/contract';
import type { KernelTopic } from '../kernel-events.js';

/** The topics as a record, which distinguishes known topics from unknown ones. */
const TOPICS: Readonly<Record<KernelTopic, true>> = {
  'plugin:discovered': true,
  'plugin:installed': true,
  'plugin:validated': true,
  'plugin:denied': true,
  'plugin:resolved': true,
  'plugin:loaded': true,
  'plugin:initialized': true,
  'plugin:activated': true,
  'plugin:suspended': true,
  'plugin:resumed': true,
  'plugin:deactivated': true,
  'plugin:unloaded': true,
  'plugin:reloaded': true,
  'plugin:uninstalled': true,
  'plugin:enabled': true,
  'plugin:disabled': true,
  'plugin:transferred': true,
  'plugin:updated': true,
  'plugin:rolled-back': true,
  'plugin:canary-started': true,
  'plugin:canary-promoted': true,
  'plugin:canary-rolled-back': true,
  'plugin:managed': true,
  'plugin:failed': true,
  'plugin:crashed': true,
  'plugin:long-task': true,
  'plugin:wake-failed': true,
  'plugin:restarted': true,
  'plugin:quarantined': true,
  'need:changed': true,
  'permission:granted': true,
  'permission:revoked': true,
  'permission:forgotten': true,
  'permission:changed': true,
  'permission:used': true,
  'permission:denied': true,
  'permission:requested': true,
  'signature:checked': true,
  'config:rejected': true,
  'config:changed': true,
  'call:circuit-changed': true,
  'call:deprecated': true,
  'middleware:skipped': true,
  'call:settled': true,
  'event:dropped': true,
  'resource:limited': true,
  'wire:refused': true,
  'lane:opened': true,
  'lane:closed': true,
  'log:written': true,
  'kernel:started': true,
  'kernel:stopped': true,
};

/** Topics of the kernel's own events. */
const KERNEL_TOPICS: readonly string[] = Object.keys(TOPICS);

/**
 * Checks that a kernel topic exists, because a listener of an unknown topic would wait for ever.
 *
 * @throws PluginValidationError `event/invalid` that names the nearest topic.
 */
export function checkKernelTopic(pattern: string): void {
  const colon = pattern.indexOf(':');
  if (
    colon === -1 ||
    !RESERVED_SEGMENTS.has(pattern.slice(0, colon)) ||
    KERNEL_TOPICS.some((topic) => covers(pattern, topic))
  )
    return;
  throw unknownTopic(pattern);
}

/** @throws PluginValidationError `event/invalid` for a topic that is none of the kernel's. */
export function requireKernelTopic(topic: string): void {
  if (!Object.hasOwn(TOPICS, topic)) throw unknownTopic(topic);
}

function unknownTopic(pattern: string): Error {
  const near = didYouMean(pattern.replace(/\*$/, ''), KERNEL_TOPICS, []);
  return createError('event/invalid', `the kernel has no event '${pattern.slice(0, 80)}'${near}`, {
    details: { topic: pattern },
  });
}
