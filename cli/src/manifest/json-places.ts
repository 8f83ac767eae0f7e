/** Where each value of a JSON text is, by its dotted path, so that problems can name a line. */
import { type Place, placeAt } from '../terminal/code-frame.js';

/** Finds the place of a path: of its key, or of the value in a list. The nearest parent's when it isn't there. */
export class JsonPlaces {
  readonly #text: string;
  readonly #offsets = new Map<string, number>();
  #at = 0;

  /** @param text valid JSON, perhaps after a byte order mark. */
  constructor(text: string) {
    this.#text = text;
    if (text.charCodeAt(0) === 0xfeff) this.#at = 1;
    this.#value('');
  }

  of(path: string): Place {
    for (let parent = path; ; parent = parent.slice(0, Math.max(0, parent.lastIndexOf('.')))) {
      const offset = this.#offsets.get(parent);
      if (offset !== undefined) return placeAt(this.#text, offset);
      if (parent === '') return { line: 1, column: 1 };
    }
  }

  #value(path: string): void {
    this.#space();
    if (!this.#offsets.has(path)) this.#offsets.set(path, this.#at);
    const first = this.#text[this.#at];
    if (first === '{') this.#members(path);
    else if (first === '[') this.#items(path);
    else if (first === '"') this.#string();
    else this.#skip(/[^\s,\]}]*/y);
  }

  #members(path: string): void {
    this.#at += 1;
    for (this.#space(); this.#text[this.#at] === '"'; this.#space()) {
      const start = this.#at;
      const key = this.#string();
      const child = path === '' ? key : `${path}.${key}`;
      this.#offsets.set(child, start);
      this.#skip(/\s*:/y);
      this.#value(child);
      this.#skip(/\s*,?/y);
    }
    this.#at += 1;
  }

  #items(path: string): void {
    this.#at += 1;
    this.#space();
    for (let index = 0; this.#at < this.#text.length && this.#text[this.#at] !== ']'; index++) {
      this.#value(path === '' ? String(index) : `${path}.${index}`);
      this.#skip(/\s*,?\s*/y);
    }
    this.#at += 1;
  }

  #string(): string {
    const start = this.#at;
    this.#skip(/"(?:[^"\\]|\\.)*"/y);
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #space(): void {
    this.#skip(/\s*/y);
  }

  #skip(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    this.#at += pattern.exec(this.#text)?.[0].length ?? 0;
  }
}
