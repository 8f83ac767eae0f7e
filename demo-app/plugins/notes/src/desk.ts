/** What can be done with the notes, and what is told of it: to listeners, the view and the page. */
import type { Optional, PluginContext } from '@plinth/sdk';
import type { Ui } from '@plinth/ui';
import type { Book } from './book.ts';
import { Notes } from './contract.ts';

/** What it uses of the plugin's context. */
type Context = Pick<
  PluginContext<{ ui: Optional<typeof Ui> }, { max: number }>,
  'config' | 'events' | 'logger' | 'needs'
>;

/** Changes the notes of a book. */
export class Desk {
  readonly #ctx: Context;
  readonly #book: Book;
  readonly #refresh: () => void;

  /** @param refresh shows the notes again. */
  constructor(ctx: Context, book: Book, refresh: () => void) {
    this.#ctx = ctx;
    this.#book = book;
    this.#refresh = refresh;
  }

  /** Answers the id. Undefined when there are as many notes as may be. */
  async add(text: string): Promise<string | undefined> {
    const note = await this.#book.add(text, this.#ctx.config.max);
    if (note === undefined) return undefined;
    this.told();
    await this.#ctx.events.emit(Notes.added, { id: note.id, text });
    return note.id;
  }

  /** Whether there was one to remove. */
  async remove(id: string): Promise<boolean> {
    const removed = await this.#book.remove(id);
    if (!removed) return false;
    this.told();
    await this.#ctx.events.emit(Notes.removed, { id });
    return true;
  }

  /** Removes all notes, if the person at the page says yes. Answers how many. */
  async clear(): Promise<number> {
    const { ui } = this.#ctx.needs;
    const notes = this.#book.list();
    if (notes.length === 0) return 0;
    const title = notes.length === 1 ? 'Remove the note?' : `Remove ${notes.length} notes?`;
    if ((await ui?.ask({ title, choices: ['Remove all', 'Keep them'] })) !== 0) return 0;
    for (const { id } of notes) await this.remove(id);
    await ui?.notify({ text: 'All notes are removed.', tone: 'good' });
    return notes.length;
  }

  /** Tells the view and the page how many notes there are. */
  told(): void {
    this.#refresh();
    const { ui } = this.#ctx.needs;
    const { size } = this.#book;
    const failed = ({ message }: Error) => this.#ctx.logger.warn(message);
    ui?.status({ id: 'count', text: size === 1 ? '1 note' : `${size} notes` }).catch(failed);
    ui?.fact({ name: 'count', value: size }).catch(failed);
  }
}
