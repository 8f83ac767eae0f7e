/** Templates of HTML. What is put into one is escaped, unless it is HTML itself. */

/** HTML that is ready to be sent. Only {@link html} makes it. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What a template takes. `undefined` and `false` leave nothing. */
export type Part = string | number | undefined | false | Html | readonly Html[];

/**
 * A tagged template.
 *
 * @example
 * html`<h1>${note.title}</h1>`.text
 */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(texts.reduce((before, text, at) => before + written(parts[at - 1]) + text));
}

function written(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('\n');
  return escaped(String(part));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A text for HTML and XML, in content and in attributes. */
export const escaped = (text: string): string =>
  // XML has no control characters but tab and line ends.
  text
    .replaceAll(/(?![\t\n\r])\p{Cc}|[\ufffe\uffff]/gu, '')
    .replaceAll(/[&<>"']/g, (one) => ENTITIES[one] ?? '');

/** A text as paragraphs, which empty lines part. */
export const paragraphs = (text: string): Html[] =>
  text
    .split(/\r?\n\s*\n/)
    .filter((one) => one.trim() !== '')
    .map((one) => html`<p>${one.trim()}</p>`);

/** A time for readers and for programs. */
export const time = (iso: string): Html =>
  html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')}</time>`;
