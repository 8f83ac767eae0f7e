/**
 * Words of Markdown: emphasis, code and links, in one pass. What is no such thing is text, HTML
 * included.
 */
import { address } from './checks.js';
import { linkTo } from './link.js';
import type { Shape } from './shape.js';

/** Emphasis inside of emphasis. */
const DEEPEST = 8;
/** Characters of the words of a link, and of its address. */
const LABEL = 500;
const ADDRESS = 2_048;
const PUNCTUATION = /[!-/:-@[-`{-~]/;
const WORD = /[\p{L}\p{N}]/u;
const SPACE = /\s/;
/** A picture that is a link: its words are. */
const BADGE = /\[!\[([^\]]{0,500})\]\([^)]{0,2048}\)\]\(([^)]{0,2048})\)/y;

interface Open {
  readonly mark: string;
  readonly shapes: Shape[];
}

/** The shapes of a line of Markdown. */
export function inlineOf(text: string): readonly Shape[] {
  return new Inline(text, true).read();
}

/** Owns the place in a text, and the emphasis that is open there. */
class Inline {
  readonly #text: string;
  readonly #links: boolean;
  readonly #open: Open[] = [{ mark: '', shapes: [] }];
  /** Lengths of runs of backquotes that no other run closes. */
  readonly #unclosed = new Set<number>();
  #plain = '';
  #at = 0;

  constructor(text: string, links: boolean) {
    this.#text = text;
    this.#links = links;
  }

  read(): readonly Shape[] {
    while (this.#at < this.#text.length) this.#step(this.#text[this.#at] as string);
    while (this.#open.length > 1) this.#flatten();
    this.#flush();
    return this.#top.shapes;
  }

  get #top(): Open {
    return this.#open.at(-1) as Open;
  }

  #step(letter: string): void {
    const next = this.#text[this.#at + 1] ?? '';
    if (letter === '\\' && PUNCTUATION.test(next)) this.#write(next, 2);
    else if (letter === '\n') this.#break();
    else if (letter === '`') this.#code();
    else if (letter === '*' || letter === '_') this.#emphasis(letter);
    else if (letter === '!' && next === '[') this.#link(1);
    else if (letter === '[' && next === '!' && this.#links) this.#badge();
    else if (letter === '[') this.#link(0);
    else if (letter === '<') this.#bareLink();
    else this.#write(letter, 1);
  }

  #write(text: string, length: number): void {
    this.#plain += text;
    this.#at += length;
  }

  /** Text becomes a shape when something else follows. */
  #flush(): void {
    if (this.#plain !== '') this.#top.shapes.push({ tag: 'span', text: this.#plain });
    this.#plain = '';
  }

  #add(shape: Shape, end: number): void {
    this.#flush();
    this.#top.shapes.push(shape);
    this.#at = end;
  }

  /** Two spaces, or a backslash, in front of the end of a line break it. */
  #break(): void {
    const before = this.#text.slice(Math.max(0, this.#at - 2), this.#at);
    if (before !== '  ' && !before.endsWith('\\')) return this.#write(' ', 1);
    this.#plain = before === '  ' ? this.#plain.trimEnd() : this.#plain.slice(0, -1);
    this.#add({ tag: 'br' }, this.#at + 1);
  }

  #code(): void {
    const from = this.#at;
    const length = this.#runAt('`', from);
    const mark = '`'.repeat(length);
    if (!this.#unclosed.has(length)) {
      let end = this.#text.indexOf(mark, from + length);
      while (end !== -1 && this.#runAt('`', end) !== length)
        end = this.#text.indexOf(mark, end + this.#runAt('`', end));
      if (end !== -1) {
        const inside = this.#text.slice(from + length, end).replaceAll('\n', ' ');
        const text = inside.length > 2 && inside.startsWith(' ') ? inside.trim() : inside;
        return this.#add({ tag: 'code', attributes: CODE, text }, end + length);
      }
      this.#unclosed.add(length);
    }
    this.#write(mark, length);
  }

  #runAt(letter: string, from: number): number {
    let at = from;
    while (this.#text[at] === letter) at += 1;
    return at - from;
  }

  #emphasis(letter: string): void {
    const run = this.#runAt(letter, this.#at);
    if (run > 3) return this.#write(letter.repeat(run), run);
    const before = this.#text[this.#at - 1] ?? ' ';
    const after = this.#text[this.#at + run] ?? ' ';
    // `snake_case` is a word.
    const inWord = letter === '_' && WORD.test(before) && WORD.test(after);
    const top = this.#top.mark;
    const mark = run === 3 && top.startsWith(letter) ? top : letter.repeat(Math.min(run, 2));
    const opened = this.#open.findLastIndex((one) => one.mark === mark);
    if (opened > 0 && !SPACE.test(before) && !inWord) {
      while (this.#open.length > opened + 1) this.#flatten();
      this.#flush();
      const { shapes } = this.#open.pop() as Open;
      this.#add(
        { tag: mark.length === 2 ? 'strong' : 'em', inside: shapes },
        this.#at + mark.length,
      );
    } else if (!SPACE.test(after) && !inWord && this.#open.length <= DEEPEST) {
      this.#flush();
      this.#open.push({ mark, shapes: [] });
      this.#at += mark.length;
    } else this.#write(mark, mark.length);
  }

  /** Emphasis that nothing closes was text. */
  #flatten(): void {
    this.#flush();
    const { mark, shapes } = this.#open.pop() as Open;
    this.#top.shapes.push({ tag: 'span', text: mark });
    for (const shape of shapes) this.#top.shapes.push(shape);
  }

  /** `[words](address)`. Of an image its words alone are shown: nothing is loaded. */
  #link(image: 0 | 1): void {
    const from = this.#at + 1 + image;
    const words = this.#upTo(']', from, LABEL);
    const to = from + (words?.length ?? 0) + 1;
    const target = this.#text[to] === '(' ? this.#upTo(')', to + 1, ADDRESS) : undefined;
    if (!this.#links || words === undefined || target === undefined)
      return this.#write(this.#text.slice(this.#at, from), 1 + image);
    const end = to + target.length + 2;
    if (image === 1) return this.#write(words, end - this.#at);
    const href = address(target.trim().split(/\s/, 1)[0]);
    if (typeof href !== 'string')
      return this.#write(this.#text.slice(this.#at, end), end - this.#at);
    this.#add({ ...linkTo(href), inside: new Inline(words, false).read() }, end);
  }

  #badge(): void {
    BADGE.lastIndex = this.#at;
    const [all, words = '', target = ''] = BADGE.exec(this.#text) ?? [];
    const href = all === undefined ? undefined : address(target.trim().split(/\s/, 1)[0]);
    if (all === undefined || typeof href !== 'string') return this.#write('[', 1);
    this.#add({ ...linkTo(href), inside: [{ tag: 'span', text: words }] }, this.#at + all.length);
  }

  /** `<https://example.com>` */
  #bareLink(): void {
    const target = this.#links ? this.#upTo('>', this.#at + 1, ADDRESS) : undefined;
    const href = target === undefined || SPACE.test(target) ? undefined : address(target);
    if (typeof href !== 'string') return this.#write('<', 1);
    const words: Shape = { tag: 'span', text: target as string };
    this.#add({ ...linkTo(href), inside: [words] }, this.#at + (target as string).length + 2);
  }

  /** What stands in front of the next such letter, if that is near. */
  #upTo(letter: string, from: number, most: number): string | undefined {
    const near = this.#text.slice(from, from + most);
    const length = near.indexOf(letter);
    return length === -1 ? undefined : near.slice(0, length);
  }
}

const CODE = { 'data-plinth': 'code' };
