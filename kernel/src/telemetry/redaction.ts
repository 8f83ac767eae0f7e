/**
 * Keeps the values of secrets out of everything that is logged or announced: log entries, the
 * kernel's events, failures.
 */

/** The text that replaces a secret. */
const REDACTED = '[secret]';
/**
 * The most remembered values. The latest are kept, including replaced ones that a plugin may still
 * hold.
 */
const MAX_VALUES = 4_096;

/** Owns the texts that must stay hidden. */
export class Redaction {
  /** The secrets in every spelling in which they may occur, the latest last. */
  #known: readonly string[] = [];
  /** The same, longest first. */
  #texts: readonly string[] = [];

  add(value: string): void {
    // The empty text is everywhere, and hides nothing.
    if (value === '') return;
    const spellings = [
      value,
      JSON.stringify(value).slice(1, -1),
      encodeURIComponent(value.replaceAll(/\p{Surrogate}/gu, '\uFFFD')),
    ];
    this.#known = [
      ...new Set([...this.#known.filter((one) => !spellings.includes(one)), ...spellings]),
    ].slice(-MAX_VALUES);
    this.#texts = [...this.#known].sort((a, b) => b.length - a.length);
  }

  text(text: string): string {
    let clean = text;
    for (const secret of this.#texts)
      if (clean.includes(secret)) clean = clean.replaceAll(secret, REDACTED);
    return clean;
  }

  /** Returns the value itself when there is nothing to hide, else a copy. */
  value<T>(value: T): T {
    return this.#texts.length === 0 ? value : (this.#clean(value, new Map()) as T);
  }

  #clean(value: unknown, seen: Map<unknown, unknown>): unknown {
    if (typeof value === 'string') return this.text(value);
    if (value === null || typeof value !== 'object') return value;
    const known = seen.get(value);
    if (known !== undefined) return known;
    // For a value that contains itself. Its container is copied when anything else in it changes.
    seen.set(value, value);
    const clean = this.#cleanObject(value, seen);
    seen.set(value, clean);
    return clean;
  }

  #cleanObject(value: object, seen: Map<unknown, unknown>): unknown {
    const clean = (one: unknown) => this.#clean(one, seen);
    if (Array.isArray(value)) {
      const items = value.map(clean);
      return items.every((item, index) => item === value[index]) ? value : items;
    }
    if (value instanceof Map)
      return new Map([...value].map(([key, one]) => [clean(key), clean(one)]));
    if (value instanceof Set) return new Set([...value].map(clean));
    if (!(value instanceof Error)) {
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) return value;
    }
    const before = Object.getOwnPropertyDescriptors(value) as Record<string, PropertyDescriptor>;
    const after: Record<string, PropertyDescriptor> = {};
    let changed = false;
    for (const [name, property] of Object.entries(before)) {
      const [cleanName, cleanValue] = [
        this.text(name),
        'value' in property ? clean(property.value) : undefined,
      ];
      after[cleanName] = 'value' in property ? { ...property, value: cleanValue } : property;
      if (cleanName !== name || ('value' in property && cleanValue !== property.value))
        changed = true;
    }
    if (!changed) return value;
    // An engine may keep the stack of an error behind an accessor, which a copy doesn't inherit.
    if (value instanceof Error)
      after.stack = { value: this.text(String(value.stack)), configurable: true, writable: true };
    return Object.create(Object.getPrototypeOf(value), after);
  }
}
