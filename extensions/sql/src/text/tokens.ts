/** Splits SQL into words and statements, as far as deciding about it needs. It never executes any. */

/** A piece of SQL that is no space and no comment. */
export interface Token {
  /** `word` is a keyword or a bare name, in small letters; `;` ends a statement. */
  readonly kind: 'word' | 'quoted' | 'symbol';
  readonly text: string;
  /** Where it starts and ends. */
  readonly from: number;
  readonly to: number;
}

/** One statement. */
export interface Statement {
  readonly tokens: readonly Token[];
  readonly text: string;
}

/** One piece at the place where the last one ended. The order counts. */
const PIECE =
  /\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'?|"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|\[[^\]]*\]?|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|[\s\S]/gy;

/** The tokens of a text. */
export function tokensOf(sql: string): readonly Token[] {
  const tokens: Token[] = [];
  for (const match of sql.matchAll(PIECE)) {
    const [text] = match;
    const from = match.index;
    const first = text[0] as string;
    if (/\s/.test(first) || text.startsWith('--') || text.startsWith('/*')) continue;
    const to = from + text.length;
    if (/[A-Za-z_\u0080-\uffff]/.test(first))
      tokens.push({ kind: 'word', text: text.toLowerCase(), from, to });
    else tokens.push({ kind: /['"`[]/.test(first) ? 'quoted' : 'symbol', text, from, to });
  }
  return tokens;
}

/** The statements of a text. The body of a trigger belongs to its statement. */
export function statementsOf(sql: string): readonly Statement[] {
  const statements: Statement[] = [];
  let tokens: Token[] = [];
  const end = () => {
    const [first] = tokens;
    const last = tokens.at(-1);
    if (first !== undefined && last !== undefined)
      statements.push({ tokens, text: sql.slice(first.from, last.to) });
    tokens = [];
  };
  for (const token of tokensOf(sql)) {
    const ends = token.text === ';' && token.kind === 'symbol';
    if (ends && (!isTrigger(tokens) || closesBody(tokens))) end();
    else tokens.push(token);
  }
  end();
  return statements;
}

/** Whether a statement makes a trigger, whose body has statements of its own. */
export function isTrigger(tokens: readonly Token[]): boolean {
  const [first, second, third] = tokens;
  if (first?.text !== 'create') return false;
  const what = second?.text === 'temp' || second?.text === 'temporary' ? third : second;
  return what?.text === 'trigger';
}

/** Whether the body of a trigger is over: `end` follows its last statement. */
const closesBody = (tokens: readonly Token[]): boolean =>
  tokens.at(-1)?.text === 'end' && tokens.at(-2)?.text === ';';
