/** A value that is made once, on first request. */
export interface Lazy<T> {
  /** Rejects when making it fails. The next request tries again. */
  get(): Promise<T>;
  /** The request in progress, or the last one that succeeded; undefined before the first. */
  readonly begun: Promise<T> | undefined;
  /** Undefined until it is made. */
  readonly now: T | undefined;
}

/** Makes a {@link Lazy}. */
export function lazily<T>(make: () => Promise<T>): Lazy<T> {
  let now: T | undefined;
  let making: Promise<T> | undefined;
  return {
    get begun() {
      return making;
    },
    get now() {
      return now;
    },
    get() {
      making ??= make().then(
        (made) => {
          now = made;
          return made;
        },
        (error: unknown) => {
          making = undefined;
          throw error;
        },
      );
      return making;
    },
  };
}
