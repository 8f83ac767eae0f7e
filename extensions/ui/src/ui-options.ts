/** The options of `ui()`, and their checks. */
import { checkOptionNames, createError, messageOf } from '@plinth/sdk/contract';
import { type BoundKey, boundKeys, type KeyOption } from './key-bindings.js';
import type { Present } from './words.js';

/** Options of `ui()`. */
export interface UiOptions {
  /** The places where the application shows views, like `sidebar` and `article/footer`. */
  readonly slots: readonly string[];
  /** Shows notices and questions of plugins. */
  readonly present: Present;
  /** Slots that also show frames, in which a plugin draws for itself. Absent: none does. */
  readonly frames?: readonly string[];
  /**
   * Whether a plugin may show views in a slot: `'granted'`, if it has the right `ui.show` for it, or
   * a function that decides. A plugin that asks for `ui.show` always needs the right as well. Absent:
   * a plugin that doesn't ask may show views in all slots.
   */
  readonly allow?: 'granted' | ((plugin: string, slot: string) => boolean);
  /** Keys of the application, which come before those of plugins. */
  readonly keys?: readonly KeyOption[];
  /** Whether `mod` is Cmd. Absent: on Apple's systems. */
  readonly mac?: boolean;
}

/** Options with all defaults. */
export interface UiSettings {
  readonly slots: readonly string[];
  readonly frames: readonly string[];
  readonly present: Present;
  readonly allow: (plugin: string, slot: string) => boolean;
  /** Whether a plugin needs the right to a slot, also when it doesn't ask for any. */
  readonly granted: boolean;
  readonly keys: readonly BoundKey[];
  readonly mac: boolean;
}

const OPTIONS: readonly string[] = ['slots', 'frames', 'present', 'allow', 'keys', 'mac'];
const SLOT = /^[a-z][a-z0-9-]*(\/[a-z0-9-]+)*$/;

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function settingsOf(options: UiOptions): UiSettings {
  checkOptionNames('ui()', options ?? (null as never), OPTIONS, 'options');
  const { slots, frames = [], present, allow = () => true, keys = [], mac = isMac() } = options;
  if (!Array.isArray(slots)) throw wrong('slots', "is a list, like ['sidebar']");
  for (const slot of slots as readonly unknown[])
    if (typeof slot !== 'string' || !SLOT.test(slot))
      throw wrong(
        'slots',
        `has '${messageOf(slot).slice(0, 80)}': write one like 'article/footer'`,
      );
  if (!Array.isArray(frames) || !frames.every((slot) => slots.includes(slot)))
    throw wrong('frames', 'is a list of slots that `slots` has, too');
  if (typeof present?.notify !== 'function' || typeof present.ask !== 'function')
    throw wrong('present', 'has two functions, `notify` and `ask`');
  if (typeof allow !== 'function' && allow !== 'granted')
    throw wrong('allow', "is 'granted', or a function of a plugin and a slot");
  if (!Array.isArray(keys)) throw wrong('keys', "is a list, like [{ key: 'mod+k', command }]");
  if (typeof mac !== 'boolean') throw wrong('mac', 'is true or false');
  const names = { slots: [...slots], frames: [...frames] };
  const [granted, mayShow] = allow === 'granted' ? [true, () => true] : [false, allow];
  return {
    ...names,
    present,
    allow: mayShow,
    granted,
    mac,
    keys: boundKeys('application', keys, mac),
  };
}

function isMac(): boolean {
  const { navigator } = globalThis as { readonly navigator?: { readonly platform?: string } };
  return /^(Mac|iPhone|iPad)/.test(navigator?.platform ?? '');
}

const wrong = (option: string, what: string): Error =>
  createError('kernel/invalid-option', `ui(): '${option}' ${what}`, { details: { option } });
