/** The notes: in memory for fast answers, in storage to survive a restart. */
import type { PluginStorage } from '@plinth/sdk';
import * as v from 'valibot';
import { Note } from './contract.ts';

const PREFIX = 'note:';

/** Owns the notes that are kept. */
export class Book {
  readonly #storage: PluginStorage;
  readonly #notes: Map<string, Note>;
  /** Notes that are being stored. They count, otherwise two calls at once take the last place. */
  #adding = 0;

  private constructor(storage: PluginStorage, notes: Map<string, Note>) {
    this.#storage = storage;
    this.#notes = notes;
  }

  /** Reads what is kept. */
  static async open(storage: PluginStorage): Promise<Book> {
    const keys = await storage.keys(PREFIX);
    const stored = await Promise.all(
      keys.map(async (key) => v.parse(Note, await storage.get(key))),
    );
    stored.sort((a, b) => numberOf(a) - numberOf(b));
    return new Book(storage, new Map(stored.map((note) => [note.id, note])));
  }

  get size(): number {
    return this.#notes.size;
  }

  /** Oldest first. */
  list(): Note[] {
    return [...this.#notes.values()];
  }

  get(id: string): Note | undefined {
    return this.#notes.get(id);
  }

  /** Undefined when there are `max` notes already. */
  async add(text: string, max: number): Promise<Note | undefined> {
    if (this.#notes.size + this.#adding >= max) return undefined;
    this.#adding += 1;
    try {
      const number = await this.#storage.update<number>('last', (last = 0) => last + 1);
      const note = { id: `n${number}`, text, created: Date.now() };
      await this.#storage.set(PREFIX + note.id, note);
      this.#notes.set(note.id, note);
      return note;
    } finally {
      this.#adding -= 1;
    }
  }

  /** Whether there was one to remove. */
  async remove(id: string): Promise<boolean> {
    const removed = await this.#storage.delete(PREFIX + id);
    if (removed) this.#notes.delete(id);
    return removed;
  }
}

function numberOf({ id }: Note): number {
  return Number(id.slice(1));
}
