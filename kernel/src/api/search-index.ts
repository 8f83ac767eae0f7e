/** Finds plugins by words. */
import type { Manifest } from '@plinth/sdk/contract';
import { manifestOf, type PluginRecord } from '../plugin/record.js';

/** What can be searched, as one text with a line for each plugin. */
interface Page {
  readonly records: readonly PluginRecord[];
  readonly text: string;
  /** Where each line begins, and where the last one ends. */
  readonly starts: Uint32Array;
}

/** Owns a text of all plugins. It is rebuilt when their set has changed. */
export class SearchIndex {
  readonly #lines = new WeakMap<Manifest, string>();
  #page: Page | undefined;

  /**
   * Plugins whose id, name, description or tags contain every word. All of them when no word is
   * given.
   */
  find(query: string, records: readonly PluginRecord[]): readonly PluginRecord[] {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    // The longest word is in the fewest lines.
    const [word, ...others] = words.sort((a, b) => b.length - a.length);
    if (word === undefined) return records;
    const { text, starts } = this.#pageOf(records);
    const found: PluginRecord[] = [];
    let line = 0;
    for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, starts[line])) {
      line = lineAt(starts, at, line);
      const record = records[line] as PluginRecord;
      if (others.length === 0 || includesAll(text.slice(starts[line], starts[line + 1]), others))
        found.push(record);
      line += 1;
      if (line >= records.length) break;
    }
    return found;
  }

  #pageOf(records: readonly PluginRecord[]): Page {
    if (this.#page?.records === records) return this.#page;
    const lines = records.map((record) => this.#lineOf(record));
    const starts = new Uint32Array(lines.length + 1);
    for (const [index, line] of lines.entries())
      starts[index + 1] = (starts[index] as number) + line.length + 1;
    this.#page = { records, text: lines.join('\n'), starts };
    return this.#page;
  }

  #lineOf(record: PluginRecord): string {
    const manifest = manifestOf(record);
    if (manifest === undefined) return oneLine(record.id);
    let line = this.#lines.get(manifest);
    if (line === undefined) {
      const { id, name, description, tags } = manifest;
      line = oneLine([id, name, description, ...tags].join(' '));
      this.#lines.set(manifest, line);
    }
    return line;
  }
}

const oneLine = (text: string) => text.toLowerCase().replaceAll('\n', ' ');
const includesAll = (line: string, words: readonly string[]) =>
  words.every((word) => line.includes(word));

/** The line that contains a place. The place is at or after a known line. */
function lineAt(starts: Uint32Array, at: number, from: number): number {
  let low = from;
  let high = starts.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}
