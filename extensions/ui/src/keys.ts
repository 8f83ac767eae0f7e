/** Keys: how they are written, and which of them was pressed. */

/** A pressed key, like a `KeyboardEvent`. */
export interface KeyPress {
  readonly key: string;
  /** The place of the key, like `KeyN`. It counts where another alphabet is in use. */
  readonly code?: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  /** Whether a text is being composed. */
  readonly isComposing?: boolean;
}

const MODIFIERS = ['ctrl', 'meta', 'alt', 'shift'] as const;
type Modifier = (typeof MODIFIERS)[number];

/** Names of keys, as manifests write them, by the name that browsers have. */
const NAMES: Readonly<Record<string, string>> = {
  ' ': 'space',
  arrowup: 'up',
  arrowdown: 'down',
  arrowleft: 'left',
  arrowright: 'right',
};
const KEY =
  /^([a-z0-9,./;'[\]\\=-]|f([1-9]|1[0-2])|up|down|left|right|home|end|pageup|pagedown|space|enter|escape|tab|delete|backspace)$/;
const FUNCTION = /^f\d/;

/**
 * A key in its one form, like `ctrl+shift+n`, or what is wrong with it. `mod` is Ctrl, on a Mac
 * Cmd.
 */
export function parseKey(
  written: string,
  mac: boolean,
): { readonly key: string } | { readonly problem: string } {
  const parts = written.toLowerCase().split('+');
  const key = parts.pop() as string;
  const held = parts.map((part) => (part === 'mod' ? (mac ? 'meta' : 'ctrl') : part));
  const problem = (what: string) => ({ problem: `'${written.slice(0, 40)}' ${what}` });
  if (!KEY.test(key) || held.some((part) => !MODIFIERS.includes(part as Modifier)))
    return problem("is no key: write one like 'mod+shift+n' or 'f2'");
  if (new Set(held).size < held.length) return problem('has one modifier twice');
  // A plugin must not take letters from those who type.
  if (!FUNCTION.test(key) && !held.some((part) => part !== 'shift'))
    return problem('needs mod, ctrl, alt or meta: without one it is what people type');
  return { key: joined(held, key) };
}

/** The forms of a pressed key: by its letter, and by its place where the letter is no key. */
export function pressedKeys(event: KeyPress): readonly string[] {
  if (event.isComposing === true) return [];
  const held = [
    ...(event.ctrlKey ? ['ctrl'] : []),
    ...(event.metaKey ? ['meta'] : []),
    ...(event.altKey ? ['alt'] : []),
    ...(event.shiftKey ? ['shift'] : []),
  ];
  const name = event.key.toLowerCase();
  const key = NAMES[name] ?? name;
  const place = /^(?:Key|Digit)([A-Z0-9])$/.exec(event.code ?? '')?.[1]?.toLowerCase();
  const keys = KEY.test(key) || place === undefined ? [key] : [key, place];
  return keys.map((one) => joined(held, one));
}

const joined = (held: readonly string[], key: string): string =>
  [...MODIFIERS.filter((one) => held.includes(one)), key].join('+');
