/** An inverted index in memory: from words to the notes that contain them. */

/** How often each word occurs in one text. */
export type WordCounts = ReadonlyMap<string, number>;

/** One result of a query. */
export interface Match {
  readonly id: string;
  readonly score: number;
}

/** A word that only starts with the query word counts less than the word itself. */
const PREFIX_WEIGHT = 0.5;

/** Counts the words of a text, in lower case and without accents. */
export function countWords(text: string): WordCounts {
  const counts = new Map<string, number>();
  for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

/** Stores the words of any number of texts. */
export class WordIndex {
  readonly #byWord = new Map<string, Map<string, number>>();
  readonly #byId = new Map<string, WordCounts>();

  get texts(): number {
    return this.#byId.size;
  }

  get words(): number {
    return this.#byWord.size;
  }

  /** Adds a text, or replaces the one of the same id. */
  add(id: string, counts: WordCounts): void {
    this.remove(id);
    this.#byId.set(id, counts);
    for (const [word, count] of counts) {
      const texts = this.#byWord.get(word) ?? new Map<string, number>();
      this.#byWord.set(word, texts.set(id, count));
    }
  }

  remove(id: string): void {
    for (const word of this.#byId.get(id)?.keys() ?? []) {
      const texts = this.#byWord.get(word);
      texts?.delete(id);
      if (texts?.size === 0) this.#byWord.delete(word);
    }
    this.#byId.delete(id);
  }

  clear(): void {
    this.#byWord.clear();
    this.#byId.clear();
  }

  /** Texts that contain every word of the query, the best first, ties in the order of ids. */
  query(text: string): Match[] {
    const [first, ...others] = [...new Set(wordsOf(text))].map((word) => this.#scores(word));
    if (first === undefined) return [];
    const matches = [...first].flatMap(([id, score]) => {
      const more = others.map((scores) => scores.get(id));
      if (more.includes(undefined)) return [];
      return { id, score: more.reduce<number>((sum, other) => sum + (other ?? 0), score) };
    });
    return matches.sort(
      (a, b) => b.score - a.score || a.id.localeCompare(b.id, 'en', { numeric: true }),
    );
  }

  /** Rare words say more about a text than common ones. */
  #scores(wanted: string): Map<string, number> {
    const scores = new Map<string, number>();
    for (const [word, texts] of this.#byWord) {
      if (!word.startsWith(wanted)) continue;
      const weight = (word === wanted ? 1 : PREFIX_WEIGHT) * Math.log(1 + this.texts / texts.size);
      for (const [id, count] of texts)
        scores.set(id, (scores.get(id) ?? 0) + weight * (1 + Math.log(count)));
    }
    return scores;
  }
}
