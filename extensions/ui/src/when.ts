/**
 * When-clauses: `mode == 'edit' && !busy || list.count > 3`. They are parsed once and read facts
 * alone; no code is made of them.
 */

/** Values of facts. */
export type FactValue = string | number | boolean | null;

/** Answers a fact by its name. */
export type Facts = (name: string) => FactValue | undefined;

/** A parsed clause. */
export type When = (facts: Facts) => boolean;

/** Characters of a clause. */
const MOST = 512;
const DEEPEST = 64;

const TOKEN =
  /\s*(?:(?<sign>&&|\|\||==|!=|<=|>=|[<>!()])|'(?<text>(?:[^'\\]|\\.)*)'|(?<number>-?\d+(?:\.\d+)?)|(?<name>[A-Za-z][\w.:/-]*))\s*/y;

interface Token {
  readonly sign?: string;
  readonly value?: FactValue;
  readonly name?: string;
}
type Read = (facts: Facts) => FactValue | undefined;

const COMPARE: Readonly<Record<string, (one: FactValue, other: FactValue) => boolean>> = {
  '==': (one, other) => one === other,
  '!=': (one, other) => one !== other,
  // Only values of one type have an order.
  '<': (one, other) => typeof one === typeof other && (one as number) < (other as number),
  '>': (one, other) => typeof one === typeof other && (one as number) > (other as number),
  '<=': (one, other) => typeof one === typeof other && (one as number) <= (other as number),
  '>=': (one, other) => typeof one === typeof other && (one as number) >= (other as number),
};

/**
 * Parses a clause. A name without a comparison is true for `true`, for a text that is not empty and
 * for a number that is not 0. An unknown fact is null.
 *
 * @throws SyntaxError that says what is wrong, and where.
 */
export function parseWhen(clause: string): When {
  if (clause.length > MOST) throw new SyntaxError(`a when-clause has at most ${MOST} characters`);
  const test = new Parser(tokensOf(clause), clause).parse();
  return (facts) => Boolean(test(facts));
}

function tokensOf(clause: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < clause.length) {
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(clause)?.groups;
    if (groups === undefined)
      throw new SyntaxError(
        `'${clause.slice(at, at + 12)}' at ${at} is no part of a when-clause: names, 'texts', numbers, && || ! == != < > <= >= ( )`,
      );
    at = TOKEN.lastIndex;
    const { sign, text, number, name } = groups;
    if (sign !== undefined) tokens.push({ sign });
    else if (text !== undefined) tokens.push({ value: text.replace(/\\(.)/g, '$1') });
    else if (number !== undefined) tokens.push({ value: Number(number) });
    else tokens.push(wordOf(name as string));
  }
  return tokens;
}

function wordOf(name: string): Token {
  if (name === 'true' || name === 'false') return { value: name === 'true' };
  return name === 'null' ? { value: null } : { name };
}

/** Owns the place in the tokens. */
class Parser {
  readonly #tokens: readonly Token[];
  readonly #clause: string;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], clause: string) {
    this.#tokens = tokens;
    this.#clause = clause;
  }

  parse(): Read {
    const test = this.#either();
    if (this.#at < this.#tokens.length) throw this.#wrong('has something left over');
    return test;
  }

  #either(): Read {
    const parts = [this.#both()];
    while (this.#takes('||')) parts.push(this.#both());
    return parts.length === 1 ? (parts[0] as Read) : (facts) => parts.some((part) => part(facts));
  }

  #both(): Read {
    const parts = [this.#not()];
    while (this.#takes('&&')) parts.push(this.#not());
    return parts.length === 1 ? (parts[0] as Read) : (facts) => parts.every((part) => part(facts));
  }

  #not(): Read {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw this.#wrong(`is deeper than ${DEEPEST}`);
    const test = this.#takes('!') ? negated(this.#not()) : this.#compare();
    this.#depth -= 1;
    return test;
  }

  #compare(): Read {
    if (this.#takes('(')) {
      const inside = this.#either();
      if (!this.#takes(')')) throw this.#wrong("lacks a ')'");
      return inside;
    }
    const one = this.#operand();
    const compare = COMPARE[this.#tokens[this.#at]?.sign ?? ''];
    if (compare === undefined) return one;
    this.#at += 1;
    const other = this.#operand();
    return (facts) => compare(one(facts) ?? null, other(facts) ?? null);
  }

  #operand(): Read {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    if (token === undefined || token.sign !== undefined)
      throw this.#wrong('lacks a name or a value');
    const { name, value } = token;
    return name === undefined ? () => value : (facts) => facts(name);
  }

  #takes(sign: string): boolean {
    if (this.#tokens[this.#at]?.sign !== sign) return false;
    this.#at += 1;
    return true;
  }

  #wrong(what: string): SyntaxError {
    return new SyntaxError(`the when-clause '${this.#clause.slice(0, 80)}' ${what}`);
  }
}

const negated =
  (test: Read): Read =>
  (facts) =>
    !test(facts);
