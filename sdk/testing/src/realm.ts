/**
 * Test runners like Jest run tests in a realm of their own, whose `structuredClone` is that of another
 * realm: a copied `Map` is no `Map` there, and the kernel takes it for an instance of a class. While
 * a test kernel is open, copies belong to the realm of the test.
 */

type Clone = typeof structuredClone;

const globals = globalThis as { structuredClone: Clone };

let open = 0;
let foreign: Clone | undefined;

/** Holds `structuredClone`, where it needs that, until it is disposed. */
export function holdRealm(): Disposable {
  open += 1;
  if (foreign === undefined && !(structuredClone(new Map()) instanceof Map)) {
    const clone = structuredClone;
    foreign = clone;
    globals.structuredClone = (value, options) =>
      adopted(clone(value, options), new Map()) as never;
  }
  let held = true;
  return {
    [Symbol.dispose]() {
      if (!held) return;
      held = false;
      open -= 1;
      if (open > 0 || foreign === undefined) return;
      globals.structuredClone = foreign;
      foreign = undefined;
    },
  };
}

/** A fresh copy of another realm, rebuilt in this one. Nothing else refers to it. */
function adopted(value: unknown, known: Map<object, unknown>): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (known.has(value)) return known.get(value);
  const made = emptyLike(value);
  known.set(value, made);
  const inner = (part: unknown) => adopted(part, known);
  if (made instanceof Map)
    for (const [key, part] of value as Map<unknown, unknown>) made.set(inner(key), inner(part));
  else if (made instanceof Set) for (const part of value as Set<unknown>) made.add(inner(part));
  else if (made !== value && !(made instanceof Date) && !(made instanceof RegExp))
    for (const key of Object.getOwnPropertyNames(value)) {
      const property = Object.getOwnPropertyDescriptor(value, key) as PropertyDescriptor;
      Object.defineProperty(made, key, { ...property, value: inner(property.value) });
    }
  return made;
}

const ERRORS: readonly ErrorConstructor[] = [
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
];

/** An object of the same kind, without its parts; the value itself when it need not be rebuilt. */
function emptyLike(value: object): object {
  switch (Object.prototype.toString.call(value)) {
    case '[object Object]':
      return Object.getPrototypeOf(value) === null ? Object.create(null) : {};
    case '[object Array]':
      return [];
    case '[object Map]':
      return new Map();
    case '[object Set]':
      return new Set();
    case '[object Date]':
      return new Date(Number(value));
    case '[object RegExp]': {
      const { source, flags } = value as RegExp;
      return new RegExp(source, flags);
    }
    case '[object Error]': {
      const { name } = value as Error;
      return new (ERRORS.find((one) => one.name === name) ?? Error)();
    }
    default:
      // Bytes and ports. Runners share the classes of bytes between realms.
      return value;
  }
}
