/**
 * Regular expressions without backtracking: an automaton whose states are followed all at once, so
 * matching is linear in the text. The syntax is JavaScript's with the flag `u`, without lookaround
 * and back references, which it can't match. The runtime evaluates character classes (`[…]`,
 * `\p{…}`, `\w`, `.`), one character at a time.
 */
import { MAX_PATTERN, Parser, PatternProblem, type Tree } from './pattern-tree.js';
import type { Steps } from './steps.js';

export { MAX_PATTERN, PatternProblem };

/** The most states of one pattern: `a{1,1000}` has two thousand. */
const MAX_STATES = 4_096;
/** The most parts visited to build a pattern. Repetitions of nothing have no states. */
const MAX_WORK = 16_384;
/** The most character classes of one schema's patterns. A Unicode property counts for eight. */
const MAX_CLASSES = 512;
const MAX_MARK = 2 ** 31 - 2;

/** The kinds of states: take a character of a class, branch, assert a position, or match. */
const TAKE = 0;
const SPLIT = 1;
const ASSERT = 2;
const FOUND = 3;

const ASSERTIONS = ['^', '$', '\\b', '\\B'];

/** One character class. */
class CharacterClass {
  /** The single character of the class, else -1. */
  readonly #letter: number;
  readonly #test: RegExp | undefined;
  /** For the first 128 characters: 0 when not yet tested, 1 for no, 2 for yes. */
  readonly #known = new Uint8Array(128);

  constructor(source: string) {
    const letter = /^\\?([^\w\s.[\]\\]|(?<!\\)\w|(?<=\\)[.[\]\\])$/u.exec(source);
    this.#letter = letter === null ? -1 : ((letter[1] as string).codePointAt(0) as number);
    this.#test = letter === null ? new RegExp(`^${source}$`, 'u') : undefined;
  }

  has(letter: number): boolean {
    if (this.#test === undefined) return letter === this.#letter;
    if (letter >= 128) return this.#test.test(String.fromCodePoint(letter));
    if (this.#known[letter] === 0)
      this.#known[letter] = this.#test.test(String.fromCodePoint(letter)) ? 2 : 1;
    return this.#known[letter] === 2;
  }
}

/** The shared budget for the patterns of a schema. Building them takes the host's time. */
export class PatternRoom {
  readonly classes = new Map<string, CharacterClass>();
  #classes = MAX_CLASSES;
  #states = MAX_STATES * 4;

  /** @throws PatternProblem */
  state(): void {
    this.#states -= 1;
    if (this.#states < 0)
      throw new PatternProblem('repeats too much, with the other patterns of its schema');
  }

  /** @throws PatternProblem */
  classOf(source: string): CharacterClass {
    const known = this.classes.get(source) ?? new CharacterClass(source);
    if (this.classes.has(source)) return known;
    // Unicode properties are large sets.
    if (source.length > 2) this.#classes -= 1 + 8 * (source.match(/\\p/gi)?.length ?? 0);
    if (this.#classes < 0)
      throw new PatternProblem(
        'has too many classes of characters, with the other patterns of its schema',
      );
    this.classes.set(source, known);
    return known;
  }
}

/** A compiled pattern. */
export class LinearPattern {
  readonly #does: number[] = [];
  /** The class, the assertion, or the second branch. */
  readonly #what: number[] = [];
  readonly #next: number[] = [];
  readonly #classes: CharacterClass[] = [];
  readonly #start: number;
  #work = 0;
  /** The states at the current position and at the next one. */
  #now: Int32Array;
  #then: Int32Array;
  /** The position at which each state was last reached. */
  readonly #reached: Int32Array;
  readonly #open: number[] = [];
  readonly #room: PatternRoom;
  #marks = 0;
  #walked = 0;

  /**
   * @param room the budget, shared with other patterns.
   * @throws PatternProblem when it is no regular expression, or can't be matched in linear time.
   */
  constructor(source: string, room: PatternRoom = new PatternRoom()) {
    this.#room = room;
    if (source.length > MAX_PATTERN)
      throw new PatternProblem(`is longer than ${MAX_PATTERN} characters`);
    try {
      new RegExp(source, 'u');
    } catch {
      throw new PatternProblem('is not a regular expression');
    }
    const tree = new Parser(source).parse();
    this.#start = this.#build(tree, this.#add(FOUND, 0, 0));
    this.#now = new Int32Array(this.#does.length);
    this.#then = new Int32Array(this.#does.length);
    this.#reached = new Int32Array(this.#does.length);
  }

  /**
   * Whether the pattern occurs in a text.
   * @throws TooManySteps
   */
  test(text: string, steps: Steps): boolean {
    // Marks of earlier texts are lower than those of this one.
    if (this.#marks > MAX_MARK - text.length) {
      this.#reached.fill(0);
      this.#marks = 0;
    }
    // A check that ran out of steps has left its own.
    this.#walked = 0;
    const first = this.#marks + 1;
    this.#marks += text.length + 1;
    let count = 0;
    for (let at = 0; ; ) {
      // A match may begin at any position.
      count = this.#reach(this.#start, text, at, first, this.#now, count);
      if (count < 0) return true;
      steps.take(this.#walked + count + 1);
      this.#walked = 0;
      if (at >= text.length) return false;
      const letter = text.codePointAt(at) as number;
      at += letter > 0xffff ? 2 : 1;
      let following = 0;
      for (let index = 0; index < count; index++) {
        const state = this.#now[index] as number;
        if (!(this.#classes[this.#what[state] as number] as CharacterClass).has(letter)) continue;
        following = this.#reach(
          this.#next[state] as number,
          text,
          at,
          first,
          this.#then,
          following,
        );
        if (following < 0) return true;
      }
      [this.#now, this.#then] = [this.#then, this.#now];
      count = following;
    }
  }

  /** Adds the states that are reachable without a further character to the first `count`. Returns their new number, or -1 when the pattern has matched. */
  #reach(
    start: number,
    text: string,
    at: number,
    first: number,
    states: Int32Array,
    count: number,
  ): number {
    const open = this.#open;
    let size = count;
    open.push(start);
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      this.#walked += 1;
      if (this.#reached[state] === first + at) continue;
      this.#reached[state] = first + at;
      const next = this.#next[state] as number;
      switch (this.#does[state]) {
        case FOUND:
          open.length = 0;
          this.#walked = 0;
          return -1;
        case SPLIT:
          open.push(this.#what[state] as number, next);
          break;
        case ASSERT:
          if (holds(this.#what[state] as number, text, at)) open.push(next);
          break;
        default:
          states[size] = state;
          size += 1;
      }
    }
    return size;
  }

  #add(does: number, what: number, next: number): number {
    if (this.#does.length >= MAX_STATES) throw new PatternProblem('repeats too much');
    this.#room.state();
    this.#does.push(does);
    this.#what.push(what);
    this.#next.push(next);
    return this.#does.length - 1;
  }

  /** Builds the states of a part from its end, before `next`. Returns the first state. */
  #build(part: Tree, next: number): number {
    this.#work += 1;
    if (this.#work > MAX_WORK) throw new PatternProblem('repeats too much');
    switch (part.kind) {
      case 'atom':
        return this.#add(TAKE, this.#classOf(part.source), next);
      case 'assertion':
        return this.#add(ASSERT, ASSERTIONS.indexOf(part.source), next);
      case 'all':
        return part.parts.reduceRight((after, one) => this.#build(one, after), next);
      case 'any': {
        const [last, ...others] = part.parts.map((one) => this.#build(one, next)).reverse() as [
          number,
          ...number[],
        ];
        return others.reduce((after, one) => this.#add(SPLIT, after, one), last);
      }
      default:
        return this.#repeat(part.part, part.least, part.most, next);
    }
  }

  #repeat(part: Tree, least: number, most: number, next: number): number {
    let at = next;
    if (most === Number.POSITIVE_INFINITY) {
      const loop = this.#add(SPLIT, next, 0);
      this.#next[loop] = this.#build(part, loop);
      at = loop;
    } else
      for (let count = least; count < most; count++)
        at = this.#add(SPLIT, next, this.#build(part, at));
    for (let count = 0; count < least; count++) at = this.#build(part, at);
    return at;
  }

  #classOf(source: string): number {
    const found = this.#room.classOf(source);
    const known = this.#classes.indexOf(found);
    return known === -1 ? this.#classes.push(found) - 1 : known;
  }
}

function holds(assertion: number, text: string, at: number): boolean {
  if (assertion === 0) return at === 0;
  if (assertion === 1) return at === text.length;
  return (isWord(text.charCodeAt(at - 1)) !== isWord(text.charCodeAt(at))) === (assertion === 2);
}

/** ASCII letters, digits and `_`. Nothing precedes the start or follows the end. */
const isWord = (code: number) =>
  (code >= 48 && code <= 57) ||
  (code >= 65 && code <= 90) ||
  code === 95 ||
  (code >= 97 && code <= 122);
