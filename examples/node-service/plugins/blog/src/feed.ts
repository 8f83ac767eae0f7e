/** The Atom feed of published posts. The old program has the same one. */
import { html, paragraphs } from '../../../shared/html.ts';
import type { Answer } from '../../../shared/page.ts';
import type { Post } from './post.ts';

/** @param address where the blog is, as readers of the feed reach it. */
export function feedOf(title: string, address: string, posts: readonly Post[]): Answer {
  const latest = posts[0]?.published ?? '1970-01-01T00:00:00.000Z';
  const { text } = html`<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<title>${title}</title>
<id>${address}</id>
<link href="${address}"/>
<link rel="self" href="${address}feed.atom"/>
<updated>${latest}</updated>
${posts.map((post) => {
  const content = paragraphs(post.text).map(({ text: one }) => one);
  return html`<entry>
<title>${post.title}</title>
<id>${address}${post.slug}</id>
<link href="${address}${post.slug}"/>
<author><name>${post.author}</name></author>
<updated>${post.published ?? latest}</updated>
<content type="html">${content.join('\n')}</content>
</entry>`;
})}
</feed>
`;
  return { headers: { 'content-type': 'application/atom+xml; charset=utf-8' }, body: text };
}
