/** The pages of PaperTrail. The old program shows the same ones. */
import { type Html, html, paragraphs, time } from '../../../shared/html.ts';
import { type Answer, page } from '../../../shared/page.ts';
import type { Note, Revision } from './note.ts';

const tagLinks = (tags: readonly string[]): Html[] =>
  tags.map((tag) => html`<a class="tag" href="./?tag=${encodeURIComponent(tag)}">${tag}</a>`);

/** All notes, or those that were found. */
export function listPage(title: string, notes: readonly Note[], words: string): Answer {
  return page(
    title,
    html`<form method="get" action="./"><input name="q" value="${words}" aria-label="Search"><button>Search</button></form>
<p><a href="new">New note</a> <a href="api/export">Export</a></p>
<ul class="notes">
${notes.map((note) => html`<li><a href="${note.id}">${note.title}</a> ${time(note.updated)} ${tagLinks(note.tags)}</li>`)}
</ul>`,
  );
}

/** The form for a new note, or for a change of one. */
export function formPage(note?: Note): Answer {
  return page(
    note === undefined ? 'New note' : `Edit: ${note.title}`,
    html`<form method="post" action="${note === undefined ? './' : `../${note.id}`}">
<label>Title <input name="title" value="${note?.title}" required maxlength="200"></label>
<label>Text <textarea name="text" rows="12">
${note?.text}</textarea></label>
<label>Tags <input name="tags" value="${note?.tags.join(', ')}"></label>
${note && html`<input type="hidden" name="revision" value="${note.revision}">`}
<button>Save</button>
</form>`,
  );
}

/** One note, with its trail. */
export function notePage(note: Note, trail: readonly Revision[], link: string): Answer {
  return page(
    note.title,
    html`<article>
${paragraphs(note.text)}
</article>
<p>${note.author}, ${time(note.updated)} ${tagLinks(note.tags)}</p>
<p><a href="${note.id}/edit">Edit</a> <a href="${link}">Link for readers</a></p>
<form method="post" action="${note.id}/publish"><button>Draft a post of it</button></form>
<form method="post" action="${note.id}/delete"><button>Delete</button></form>
<h2>Trail</h2>
<ol class="trail">
${trail.map((one) => html`<li><a href="${note.id}/trail/${one.number}">${one.title}</a> ${one.author}, ${time(one.at)}</li>`)}
</ol>`,
  );
}

/** A state that a note had. */
export const revisionPage = (revision: Revision): Answer =>
  page(
    revision.title,
    html`<p>Revision ${revision.number}: ${revision.author}, ${time(revision.at)}</p>
<article>
${paragraphs(revision.text)}
</article>`,
  );

/** A note for readers with a link. */
export const sharedPage = (note: Note): Answer =>
  page(
    note.title,
    html`<article>
${paragraphs(note.text)}
</article>`,
  );
