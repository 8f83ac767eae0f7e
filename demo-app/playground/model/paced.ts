/** Long work in turns, so that the page keeps its time for other things. */

/** Items between two pauses. */
const A_TURN = 500;

/** Hands on items, with a pause after some of them. */
export async function* paced<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  let count = 0;
  for await (const item of items) {
    yield item;
    count += 1;
    if (count % A_TURN === 0) await new Promise((resolve) => setTimeout(resolve));
  }
}

/** The lines of a text, one at a time. */
export function* linesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    yield text.slice(at, end === -1 ? undefined : end);
    at = end === -1 ? text.length : end + 1;
  }
}
