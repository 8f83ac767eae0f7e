/** Reads SQL as PostgreSQL does, as far as deciding about it needs. */
import { WorkError } from '../backend/backend.js';

/** A piece that is no space and no comment. */
interface Piece {
  readonly kind: 'word' | 'text' | 'symbol' | 'parameter';
  /** Words are in small letters. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** One statement. */
export interface Statement {
  readonly sql: string;
  /** Its first words, in small letters. */
  readonly first: string;
  readonly second: string;
  readonly pieces: readonly Piece[];
}

const SPACE = /(?:\s+|--[^\n]*)+/y;
const COMMENT_PART = /\/\*|\*\/|[^/*]+|[\s\S]/y;
const PIECE =
  /[eE]'(?:[^'\\]|\\[\s\S]|'')*'?|'(?:[^']|'')*'?|"(?:[^"]|"")*"?|\$(?:([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$[\s\S]*?(?:\$\1\$|$)|(\$\d+|\?\d*)|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|[\s\S]/y;

/** The statements of a text. What a body between dollars has belongs to its statement. */
export function statementsOf(sql: string): readonly Statement[] {
  const statements: Statement[] = [];
  let pieces: Piece[] = [];
  // The body of a function in standard SQL has statements of its own.
  let inBody = false;
  const end = () => {
    const [from, to] = [pieces[0]?.from, pieces.at(-1)?.to];
    if (from !== undefined) statements.push(made(sql.slice(from, to), pieces, from));
    pieces = [];
    inBody = false;
  };
  for (const piece of piecesOf(sql)) {
    const last = pieces.at(-1);
    if (isWord(piece, 'atomic') && isWord(last, 'begin') && isWord(pieces[0], 'create'))
      inBody = true;
    const ends = piece.kind === 'symbol' && piece.text === ';';
    if (ends && (!inBody || isWord(last, 'end'))) end();
    else pieces.push(piece);
  }
  end();
  return statements;
}

/**
 * The one statement of a text, with its parameters as PostgreSQL writes them: `$1`.
 *
 * @throws WorkError `invalid`.
 */
export function statementOf(sql: string, parameters: number): Statement {
  const [statement, ...others] = statementsOf(sql);
  if (statement === undefined || others.length > 0)
    throw new WorkError(
      'invalid',
      `a query is one statement, and this one has ${statement === undefined ? 0 : 1 + others.length}`,
    );
  const { text, takes } = numbered(statement, parameters);
  if (takes !== parameters)
    throw new WorkError(
      'invalid',
      `the statement takes ${takes} parameters, and has ${parameters}`,
    );
  return { ...statement, sql: text };
}

/** Writes `$1` for `?`. A text with `$1` has none, and without parameters `?` is an operator. */
function numbered({ sql, pieces }: Statement, given: number): { text: string; takes: number } {
  const marks = pieces.filter(({ kind }) => kind === 'parameter');
  const own = marks.filter(({ text }) => text.startsWith('$'));
  if (own.length > 0) {
    const takes = own.reduce((most, { text }) => Math.max(most, Number(text.slice(1))), 0);
    return { text: sql, takes };
  }
  if (given === 0) return { text: sql, takes: marks.some(({ text }) => text !== '?') ? 1 : 0 };
  let [text, at, takes] = ['', 0, 0];
  for (const mark of marks) {
    const number = mark.text === '?' ? takes + 1 : Number(mark.text.slice(1));
    takes = Math.max(takes, number);
    text += `${sql.slice(at, mark.from)}$${number}`;
    at = mark.to;
  }
  return { text: text + sql.slice(at), takes };
}

function made(sql: string, pieces: readonly Piece[], from: number): Statement {
  const words = pieces.filter(({ text }) => text !== '(');
  const word = (at: number) => (words[at]?.kind === 'word' ? words[at].text : '');
  return {
    sql,
    first: word(0),
    second: word(1),
    pieces: pieces.map((piece) => ({ ...piece, from: piece.from - from, to: piece.to - from })),
  };
}

const isWord = (piece: Piece | undefined, text: string): boolean =>
  piece?.kind === 'word' && piece.text === text;

function* piecesOf(sql: string): Generator<Piece> {
  let at = 0;
  while (at < sql.length) {
    SPACE.lastIndex = at;
    if (SPACE.test(sql)) {
      at = SPACE.lastIndex;
      continue;
    }
    if (sql.startsWith('/*', at)) {
      at = endOfComment(sql, at);
      continue;
    }
    PIECE.lastIndex = at;
    const match = PIECE.exec(sql);
    if (match === null) return;
    const [text, , parameter, word] = match;
    const from = at;
    at = PIECE.lastIndex;
    if (parameter !== undefined) yield { kind: 'parameter', text, from, to: at };
    else if (word !== undefined) yield { kind: 'word', text: text.toLowerCase(), from, to: at };
    else yield { kind: text.length > 1 ? 'text' : 'symbol', text, from, to: at };
  }
}

/** Comments contain comments. */
function endOfComment(sql: string, from: number): number {
  let depth = 0;
  COMMENT_PART.lastIndex = from;
  for (let match = COMMENT_PART.exec(sql); match !== null; match = COMMENT_PART.exec(sql)) {
    const at = COMMENT_PART.lastIndex;
    if (match[0] === '/*') depth += 1;
    else if (match[0] === '*/') depth -= 1;
    if (depth === 0) return at;
  }
  return sql.length;
}
