/** Values of any kind as bounded JSON, for people who look at what happens. */

/** Depth of what is shown. */
const MOST_DEPTH = 16;

/** What stands for a value with a text that is too long. */
export const OMITTED = '{"omitted":true}';

class TooLong extends Error {}

/**
 * A value as JSON. It takes no more time than the text is long, however large the value is. What
 * JSON has no form for is named, like `[Map]`; a value with a longer text is `{"omitted":true}`.
 *
 * @param most characters.
 */
export function jsonWithin(value: unknown, most: number): string {
  const parts: string[] = [];
  let left = most;
  const put = (text: string) => {
    left -= text.length;
    if (left < 0) throw new TooLong();
    parts.push(text);
  };
  const putText = (text: string) => {
    if (text.length > left) throw new TooLong();
    put(JSON.stringify(text));
  };
  const write = (one: unknown, depth: number): void => {
    if (one === null || one === undefined) return put('null');
    if (typeof one === 'string') return putText(one);
    if (typeof one === 'boolean') return put(String(one));
    if (typeof one === 'number') return Number.isFinite(one) ? put(String(one)) : putText(`${one}`);
    if (typeof one !== 'object')
      return putText(typeof one === 'bigint' ? `${one}n` : `[${typeof one}]`);
    if (depth > MOST_DEPTH) return putText('[deep]');
    if (Array.isArray(one)) {
      put('[');
      for (let at = 0; at < one.length; at++) {
        if (at > 0) put(',');
        write(one[at], depth + 1);
      }
      return put(']');
    }
    if (one instanceof Error) return putText(`${one.name}: ${one.message}`);
    if (one instanceof Date) return putText(one.toJSON() ?? '[Date]');
    if (Object.getPrototypeOf(one) !== Object.prototype)
      return putText(`[${Object.prototype.toString.call(one).slice('[object '.length, -1)}]`);
    put('{');
    let first = true;
    for (const key in one) {
      const value = (one as Readonly<Record<string, unknown>>)[key];
      if (value === undefined) continue;
      if (!first) put(',');
      first = false;
      putText(key);
      put(':');
      write(value, depth + 1);
    }
    put('}');
  };
  try {
    write(value, 0);
    return parts.join('');
  } catch (error) {
    if (error instanceof TooLong) return OMITTED;
    throw error;
  }
}
