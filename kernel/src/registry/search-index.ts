/** Finding plugins by words. */
import type { Manifest } from '@plinth/sdk/contract';
import { manifestOf, type PluginRecord } from '../record.js';

/** Remembers what each manifest can be found by: manifests never change. */
export class SearchIndex {
  readonly #texts = new WeakMap<Manifest, string>();

  /** Plugins whose id, name, description or tags hold every word; all of them when there is none. */
  find(text: string, records: readonly PluginRecord[]): readonly PluginRecord[] {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return records;
    return records.filter((record) => {
      const haystack = this.#textOf(record);
      return words.every((word) => haystack.includes(word));
    });
  }

  #textOf(record: PluginRecord): string {
    const manifest = manifestOf(record);
    if (manifest === undefined) return record.id.toLowerCase();
    let text = this.#texts.get(manifest);
    if (text === undefined) {
      const { id, name, description, tags } = manifest;
      text = [id, name, description, ...tags].join(' ').toLowerCase();
      this.#texts.set(manifest, text);
    }
    return text;
  }
}
