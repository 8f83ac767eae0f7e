/** What plugins say to the person at the page: notices, which go by themselves, and questions. */
import type { Notice, Present, Question } from '@plinth/ui/host';
import { speakerOf } from './speaker.ts';
import { Changes } from './store.ts';

/** Milliseconds for which a notice is shown. */
const SHOWN = 8_000;
const MOST_NOTICES = 4;

/** What is shown of a notice. */
export interface ShownNotice extends Pick<Notice, 'text' | 'tone'> {
  /** Who says it: the page, or a plugin. */
  readonly from: string;
  readonly key: number;
}

/** A question that waits. */
export interface WaitingQuestion extends Pick<Question, 'title' | 'text' | 'choices'> {
  readonly from: string;
  readonly key: number;
  /** The place of the choice, or null when it was closed. The first answer counts. */
  answer(choice: number | null): void;
}

/** Owns the notices that are shown and the questions that wait. */
export class PluginWords implements Present {
  readonly changes = new Changes();
  readonly #questions: WaitingQuestion[] = [];
  #notices: readonly ShownNotice[] = [];
  #count = 0;

  /** The last first. */
  get notices(): readonly ShownNotice[] {
    return this.#notices;
  }

  /** The one to show. A plugin asks one at a time, so plugins take turns. */
  get question(): WaitingQuestion | undefined {
    return this.#questions[0];
  }

  readonly notify = ({ plugin, name, text, tone }: Notice): void =>
    this.say({ from: speakerOf(plugin, name), text, tone });

  /** Shows a notice. */
  say({ from, text, tone }: Omit<ShownNotice, 'key'>): void {
    const key = ++this.#count;
    this.#notices = [{ key, from, text, tone }, ...this.#notices].slice(0, MOST_NOTICES);
    this.changes.announce();
    setTimeout(() => this.close(key), SHOWN);
  }

  close(key: number): void {
    this.#notices = this.#notices.filter((one) => one.key !== key);
    this.changes.announce();
  }

  readonly ask = (question: Question): Promise<number | null> =>
    new Promise((resolve) => {
      const { plugin, name, title, text, choices, signal } = question;
      const close = () => waiting.answer(null);
      const waiting: WaitingQuestion = {
        ...{ key: ++this.#count, from: speakerOf(plugin, name), title, text, choices },
        answer: (choice) => {
          const at = this.#questions.indexOf(waiting);
          if (at === -1) return;
          signal.removeEventListener('abort', close);
          this.#questions.splice(at, 1);
          resolve(choice);
          this.changes.announce();
        },
      };
      // The plugin waits no longer: it is gone, or its time is over.
      signal.addEventListener('abort', close, { once: true });
      this.#questions.push(waiting);
      this.changes.announce();
    });
}
