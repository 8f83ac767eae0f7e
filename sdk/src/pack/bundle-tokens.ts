/** Reads a bundle as tokens. */
import jsTokens, { type Token } from 'js-tokens';

/** Names of properties that js-tokens mistakes for keywords before a regular expression. */
const PROPERTY =
  /((?<!\.)\.\s*)(await|case|default|delete|do|else|instanceof|new|return|throw|typeof|void|yield)(?![\w$])/g;

/**
 * The tokens of a bundle by index, read as they are asked for. Those that were given up are
 * forgotten: a bundle of some megabytes has a million tokens.
 */
export class BundleTokens {
  readonly #code: string;
  readonly #source: Iterator<Token>;
  /** Tokens that may be asked for, the oldest first. */
  #kept: Token[] = [];
  /** The index of the first kept token. */
  #first = 0;
  /** Characters that were read. */
  #read = 0;

  constructor(code: string) {
    this.#code = code;
    this.#source = jsTokens(
      code.replace(PROPERTY, (_, dot: string, word: string) => dot + 'x'.repeat(word.length)),
    )[Symbol.iterator]();
  }

  /** Undefined after the last one. */
  at(index: number): Token | undefined {
    while (index - this.#first >= this.#kept.length) {
      const { value: token, done } = this.#source.next() as IteratorResult<Token, undefined>;
      if (done === true) return undefined;
      const start = this.#read;
      this.#read += token.value.length;
      this.#kept.push(
        this.#code.startsWith(token.value, start)
          ? token
          : { ...token, value: this.#code.slice(start, this.#read) },
      );
    }
    return this.#kept[index - this.#first];
  }

  /** At most the given number of tokens from an index on. */
  from(index: number, most: number): readonly Token[] {
    const found: Token[] = [];
    for (let at = index; at < index + most; at++) {
      const token = this.at(at);
      if (token === undefined) break;
      found.push(token);
    }
    return found;
  }

  /** Gives up all tokens before an index. */
  forget(index: number): void {
    this.#kept = this.#kept.slice(index - this.#first);
    this.#first = index;
  }
}

/** Whether a token is a space, the end of a line or a comment. */
export const isTrivia = ({ type }: Token) =>
  type === 'WhiteSpace' ||
  type === 'LineTerminatorSequence' ||
  type === 'MultiLineComment' ||
  type === 'SingleLineComment' ||
  type === 'HashbangComment';

/** Whether a token is a string, a part of a template or a regular expression. */
export const isText = (type: Token['type']) =>
  type === 'StringLiteral' ||
  type === 'NoSubstitutionTemplate' ||
  type === 'TemplateHead' ||
  type === 'TemplateMiddle' ||
  type === 'TemplateTail' ||
  type === 'RegularExpressionLiteral';

/** Whether a token is a name. */
export const isName = (type: Token['type']) =>
  type === 'IdentifierName' || type === 'PrivateIdentifier';

/** How much deeper the code is after a punctuator. */
export const nesting = (punctuator: string) =>
  punctuator === '{' || punctuator === '(' || punctuator === '['
    ? 1
    : punctuator === '}' || punctuator === ')' || punctuator === ']'
      ? -1
      : 0;

/** Most tokens between brackets that are examined. */
export const MAX_SCANNED = 256;

/** The next token that is code. */
export function nextOf(tokens: BundleTokens, index: number): Token | undefined {
  let token: Token | undefined;
  let at = index;
  do {
    at += 1;
    token = tokens.at(at);
  } while (token !== undefined && isTrivia(token));
  return token;
}

/** What the import or export at a token names as its source. */
export function sourceOf(tokens: BundleTokens, index: number): string {
  return (
    tokens.from(index + 1, 400).find(({ type }) => type === 'StringLiteral')?.value ?? 'something'
  );
}
