/**
 * The usual Markdown as shapes: headings, paragraphs, lists, quotes, code and lines, and what
 * `inlineOf` reads. HTML is text. Each line is looked at once a level, so the time is linear in the
 * length.
 */
import { codeBlock } from './code-block.js';
import { inlineOf } from './markdown-inline.js';
import type { Shape } from './shape.js';

/** Lists and quotes inside of each other. What is deeper is text. */
const DEEPEST = 8;
const FENCE = /^ {0,3}(`{3,}|~{3,})(.{0,60})/;
const HEADING = /^ {0,3}(#{1,6})\s(.*)/;
const RULE = /^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)/;

/** The shapes of a text. */
export function markdownOf(text: string): readonly Shape[] {
  return blocksOf(text.replaceAll('\t', '    ').split('\n'), 0);
}

function blocksOf(lines: readonly string[], depth: number): readonly Shape[] {
  const shapes: Shape[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] as string;
    if (line.trim() === '') {
      at += 1;
      continue;
    }
    const block =
      fence(lines, at) ??
      heading(line) ??
      rule(line) ??
      (depth < DEEPEST ? (quote(lines, at, depth) ?? list(lines, at, depth)) : undefined) ??
      paragraph(lines, at, depth);
    shapes.push(block.shape);
    at += block.lines;
  }
  return shapes;
}

interface Block {
  readonly shape: Shape;
  readonly lines: number;
}

function fence(lines: readonly string[], at: number): Block | undefined {
  const found = FENCE.exec(lines[at] as string);
  if (found === null) return undefined;
  const [, mark = '', name = ''] = found;
  let end = at + 1;
  while (end < lines.length && !(lines[end] as string).trim().startsWith(mark)) end += 1;
  const code: Shape = { tag: 'code', text: lines.slice(at + 1, end).join('\n') };
  return { shape: codeBlock(name.trim() || 'code', code), lines: end - at + 1 };
}

function heading(line: string): Block | undefined {
  const found = HEADING.exec(line);
  if (found === null) return undefined;
  const [, marks = '', text = ''] = found;
  // The page has headings of its own above those of a view.
  const tag = `h${Math.min(marks.length, 3) + 2}`;
  const shape = { tag, attributes: { 'data-plinth': 'heading' }, inside: inlineOf(text.trim()) };
  return { shape, lines: 1 };
}

function rule(line: string): Block | undefined {
  return RULE.test(line)
    ? { shape: { tag: 'hr', attributes: { 'data-plinth': 'divider' } }, lines: 1 }
    : undefined;
}

function quote(lines: readonly string[], at: number, depth: number): Block | undefined {
  const inside: string[] = [];
  for (
    let line = lines[at];
    line !== undefined && QUOTE.test(line);
    line = lines[at + inside.length]
  )
    inside.push(line.replace(QUOTE, ''));
  if (inside.length === 0) return undefined;
  const shape = { tag: 'blockquote', inside: blocksOf(inside, depth + 1) };
  return { shape, lines: inside.length };
}

function list(lines: readonly string[], at: number, depth: number): Block | undefined {
  const first = ITEM.exec(lines[at] as string);
  if (first === null) return undefined;
  const ordered = isOrdered(first);
  const items: Shape[] = [];
  let end = at;
  for (;;) {
    const found = ITEM.exec(lines[end] ?? '');
    if (found === null || isOrdered(found) !== ordered || RULE.test(lines[end] as string)) break;
    const item = itemLines(lines, end, found);
    items.push({ tag: 'li', inside: tight(blocksOf(item.inside, depth + 1)) });
    end += item.lines;
  }
  if (items.length === 0) return undefined;
  const start =
    ordered && first[2] !== '1.' ? String(Number.parseInt(first[2] ?? '1', 10)) : undefined;
  const shape: Shape = { tag: ordered ? 'ol' : 'ul', attributes: { start }, inside: items };
  return { shape, lines: end - at };
}

const isOrdered = ([, , mark = '']: RegExpExecArray): boolean => /\d/.test(mark);

/** The lines of one item: those that are indented behind its mark, and empty ones between them. */
function itemLines(
  lines: readonly string[],
  at: number,
  [all]: RegExpExecArray,
): { readonly inside: readonly string[]; readonly lines: number } {
  const inside = [(lines[at] as string).slice(all.length)];
  // More than four spaces belong to what follows the mark.
  const indent = Math.min(all.length, 6);
  let end = at + 1;
  for (; end < lines.length; end += 1) {
    const line = lines[end] as string;
    const own = line.length - line.trimStart().length >= Math.min(indent, 2);
    if (line.trim() === '') {
      const next = lines[end + 1];
      if (next === undefined || !/^ {2}/.test(next)) break;
    } else if (!own) break;
    inside.push(line.slice(Math.min(indent, line.length - line.trimStart().length)));
  }
  // Empty lines between two items end neither.
  while (
    lines[end] !== undefined &&
    (lines[end] as string).trim() === '' &&
    ITEM.test(lines[end + 1] ?? '')
  )
    end += 1;
  return { inside, lines: end - at };
}

/** An item of one paragraph has its words without one. */
function tight(shapes: readonly Shape[]): readonly Shape[] {
  const [first, ...others] = shapes;
  return first?.tag === 'p' ? [...(first.inside ?? []), ...others] : shapes;
}

function paragraph(lines: readonly string[], at: number, depth: number): Block {
  let end = at + 1;
  while (end < lines.length && !isOther(lines[end] as string, depth)) end += 1;
  const text = lines.slice(at, end).map((line) => line.trimStart());
  return { shape: { tag: 'p', inside: inlineOf(text.join('\n').trimEnd()) }, lines: end - at };
}

/** Whether a line ends a paragraph. */
const isOther = (line: string, depth: number): boolean =>
  line.trim() === '' ||
  FENCE.test(line) ||
  HEADING.test(line) ||
  RULE.test(line) ||
  (depth < DEEPEST && (QUOTE.test(line) || ITEM.test(line)));
