/** The frame of the application's pages, and the answers that pages and the API share. */
import { type Html, html } from './html.ts';

/** An answer, as routes of plugins and the old program give it. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly json?: unknown;
}

/** Pages load the application's style sheet and send forms to their own host, and nothing else. */
const POLICY =
  "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** A whole page. */
export function page(title: string, content: Html, status = 200): Answer {
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<nav><a href="/notes/">Notes</a> <a href="/blog/">Blog</a></nav>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`;
  return {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY },
    body: text,
  };
}

/** After a form: the browser asks for another page. */
export const seeOther = (location: string): Answer => ({ status: 303, headers: { location } });

/** A page that says what is wrong. */
export const errorPage = (status: number, message: string): Answer => page(message, html``, status);

/** What is wrong, for programs. */
export const errorJson = (status: number, message: string): Answer => ({
  status,
  json: { error: message },
});
