/**
 * Converts a small subset of Markdown to HTML. Anything else stays text, and all text is escaped.
 */

// Spans are short, so that many unclosed ones can't make the search quadratic.
const SPAN =
  /`([^`\n]{1,500})`|\*\*(?=\S)([^*\n]{1,500})\*\*|\*(?=\S)([^*\n]{1,500})\*|\[([^\][\n]{1,200})\]\(([^\s()<>]{1,500})\)/g;
const HEADING = /^(#{1,3})\s+(\S.*)$/;
const ITEM = /^[-*]\s+(\S.*)$/;

/**
 * Renders headings, lists, fenced code, paragraphs, emphasis, code, and links to web and mail
 * addresses.
 */
export function toHtml(markdown: string): string {
  const lines = markdown.replaceAll('\r\n', '\n').split('\n');
  const blocks: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const block = readBlock(lines, at);
    if (block.html !== '') blocks.push(block.html);
    at = block.next;
  }
  return blocks.join('\n');
}

interface Block {
  readonly html: string;
  /** The first line after it. */
  readonly next: number;
}

function readBlock(lines: readonly string[], at: number): Block {
  const line = lines[at] ?? '';
  if (line.trim() === '') return { html: '', next: at + 1 };
  if (line.startsWith('```')) {
    const end = extent(lines, at + 1, (inner) => !inner.startsWith('```'));
    return {
      html: `<pre><code>${escapeHtml(lines.slice(at + 1, end).join('\n'))}</code></pre>`,
      next: end + 1,
    };
  }
  const heading = HEADING.exec(line);
  if (heading !== null) {
    const level = heading[1]?.length ?? 1;
    return { html: `<h${level}>${inline(heading[2] ?? '')}</h${level}>`, next: at + 1 };
  }
  if (ITEM.test(line)) {
    const end = extent(lines, at, (item) => ITEM.test(item));
    const items = lines
      .slice(at, end)
      .map((item) => `<li>${inline(ITEM.exec(item)?.[1] ?? '')}</li>`);
    return { html: `<ul>${items.join('')}</ul>`, next: end };
  }
  const end = extent(lines, at, (text) => text.trim() !== '' && !startsBlock(text));
  return { html: `<p>${lines.slice(at, end).map(inline).join('<br>')}</p>`, next: end };
}

function startsBlock(line: string): boolean {
  return line.startsWith('```') || HEADING.test(line) || ITEM.test(line);
}

/** The first line at or after `from` that doesn't fit. */
function extent(lines: readonly string[], from: number, fits: (line: string) => boolean): number {
  let end = from;
  while (end < lines.length && fits(lines[end] ?? '')) end += 1;
  return end;
}

function inline(text: string): string {
  let html = '';
  let last = 0;
  for (const match of text.matchAll(SPAN)) {
    html += escapeHtml(text.slice(last, match.index)) + span(match);
    last = match.index + match[0].length;
  }
  return html + escapeHtml(text.slice(last));
}

function span([whole, code, strong, emphasis, label, target]: RegExpExecArray): string {
  if (code !== undefined) return `<code>${escapeHtml(code)}</code>`;
  if (strong !== undefined) return `<strong>${inline(strong)}</strong>`;
  if (emphasis !== undefined) return `<em>${inline(emphasis)}</em>`;
  const url = safeUrl(target ?? '');
  return url === undefined
    ? escapeHtml(whole)
    : `<a href="${escapeHtml(url)}" rel="noopener noreferrer">${escapeHtml(label ?? '')}</a>`;
}

/**
 * Checks the parsed URL, which is what a browser would follow: no control character or odd spelling
 * can hide a scheme.
 */
function safeUrl(target: string): string | undefined {
  if (!URL.canParse(target)) return undefined;
  const url = new URL(target);
  return ['https:', 'http:', 'mailto:'].includes(url.protocol) ? url.href : undefined;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
