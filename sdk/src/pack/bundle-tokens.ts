/** Reads a bundle as tokens. */
import jsTokens, { type Token } from 'js-tokens';

/** Tokens processed in one step. */
export const STEP = 256;

/** Names of properties that js-tokens mistakes for keywords before a regular expression. */
const PROPERTY =
  /((?<!\.)\.\s*)(await|case|default|delete|do|else|instanceof|new|return|throw|typeof|void|yield)(?![\w$])/g;

/** The tokens of a bundle, step by step. */
export function* tokensOf(code: string): Generator<undefined, Token[], undefined> {
  const tokens: Token[] = [];
  let at = 0;
  for (const token of jsTokens(
    code.replace(PROPERTY, (_, dot: string, word: string) => dot + 'x'.repeat(word.length)),
  )) {
    const end = at + token.value.length;
    tokens.push(
      code.startsWith(token.value, at) ? token : { ...token, value: code.slice(at, end) },
    );
    at = end;
    if (tokens.length % STEP === 0) yield;
  }
  return tokens;
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
export function nextOf(tokens: readonly Token[], index: number): Token | undefined {
  for (let at = index + 1; at < tokens.length; at++)
    if (!isTrivia(tokens[at] as Token)) return tokens[at];
  return undefined;
}

/** What the import or export at a token names as its source. */
export function sourceOf(tokens: readonly Token[], index: number): string {
  return (
    tokens.slice(index + 1, index + 400).find(({ type }) => type === 'StringLiteral')?.value ??
    'something'
  );
}
