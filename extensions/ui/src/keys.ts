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
  /** Whether the key is held down. */
  readonly repeat?: boolean;
  /** Of a browser: whether AltGr is held, which writes and looks like Ctrl and Alt. */
  getModifierState?(key: string): boolean;
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

/** Keys by their place on a keyboard, where letters and digits name theirs. */
const PLACES: Readonly<Record<string, string>> = {
  Minus: '-',
  Equal: '=',
  BracketLeft: '[',
  BracketRight: ']',
  Backslash: '\\',
  Semicolon: ';',
  Quote: "'",
  Comma: ',',
  Period: '.',
  Slash: '/',
};
const LETTER_OR_DIGIT = /^[a-z0-9]$/;

/**
 * The forms of a pressed key: by what it writes, and by its place where that is no letter or digit:
 * in another alphabet, or with Shift.
 *
 * @param mac on a Mac, Alt alone writes: such a key stands for nothing else.
 */
export function pressedKeys(event: KeyPress, mac = false): readonly string[] {
  // What a browser fills in by itself is told without a key.
  if (typeof event.key !== 'string' || event.isComposing === true) return [];
  if (event.getModifierState?.('AltGraph') === true) return [];
  // A dead key writes with the next one.
  const writes = event.key.length === 1 || event.key === 'Dead';
  if (mac && writes && event.altKey && !event.ctrlKey && !event.metaKey) return [];
  const held = [
    ...(event.ctrlKey ? ['ctrl'] : []),
    ...(event.metaKey ? ['meta'] : []),
    ...(event.altKey ? ['alt'] : []),
    ...(event.shiftKey ? ['shift'] : []),
  ];
  const name = event.key.toLowerCase();
  const key = NAMES[name] ?? name;
  const place = placeOf(event, key);
  const keys = place === undefined || place === key ? [key] : [key, place];
  return keys.map((one) => joined(held, one));
}

/** The key by its place, where what it writes doesn't say which one it is. */
function placeOf({ key: written, code = '', shiftKey }: KeyPress, key: string): string | undefined {
  if (LETTER_OR_DIGIT.test(key)) return undefined;
  const place = /^(?:Key|Digit)([A-Z0-9])$/.exec(code)?.[1]?.toLowerCase();
  // With Shift a digit writes a sign, which may be that of another key.
  if (place !== undefined) return !KEY.test(key) || shiftKey ? place : undefined;
  return written.length === 1 && !KEY.test(key) ? PLACES[code] : undefined;
}

const joined = (held: readonly string[], key: string): string =>
  [...MODIFIERS.filter((one) => held.includes(one)), key].join('+');
