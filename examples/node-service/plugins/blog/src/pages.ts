/** The pages of the blog. The old program shows the same ones. */
import { html, paragraphs, time } from '../../../shared/html.ts';
import { type Answer, page } from '../../../shared/page.ts';
import type { Comment, Post } from './post.ts';

/** The posts that a reader may see. */
export const listPage = (title: string, posts: readonly Post[], user: string | undefined): Answer =>
  page(
    title,
    html`<p><a href="feed.atom">Feed</a>${
      user === undefined
        ? html` <a href="new">Sign in</a>`
        : html` <a href="new">New post</a> <a href="comments">Comments</a>`
    }</p>
<ul class="posts">
${posts.map((post) => html`<li><a href="${post.slug}">${post.title}</a> ${post.published !== null && time(post.published)} ${post.status !== 'published' && post.status}</li>`)}
</ul>`,
  );

/** The form for a new post, or for a change of one. */
export const formPage = (post?: Post): Answer =>
  page(
    post === undefined ? 'New post' : `Edit: ${post.title}`,
    html`<form method="post" action="${post === undefined ? './' : `../${post.slug}`}">
<label>Title <input name="title" value="${post?.title}" required maxlength="200"></label>
<label>Text <textarea name="text" rows="16">
${post?.text}</textarea></label>
<button>Save</button>
</form>`,
  );

/** One post with its comments. */
export const postPage = (
  post: Post,
  comments: readonly Comment[],
  user: string | undefined,
): Answer =>
  page(
    post.title,
    html`<p>${post.author}${post.published !== null && html`, ${time(post.published)}`}</p>
<article>
${paragraphs(post.text)}
</article>
${user !== undefined && editing(post)}
<h2>Comments</h2>
<ul class="comments">
${comments.map((one) => html`<li><b>${one.name}</b> ${time(one.at)} ${paragraphs(one.text)}</li>`)}
</ul>
${post.status === 'published' && commentForm(post)}`,
  );

const editing = (post: Post) => html`<p>${post.status} <a href="${post.slug}/edit">Edit</a></p>
<form method="post" action="${post.slug}/publish"><label>At, in UTC <input type="datetime-local" name="at"></label><button>Publish</button></form>
<form method="post" action="${post.slug}/delete"><button>Delete</button></form>`;

const commentForm = (post: Post) => html`<form method="post" action="${post.slug}/comments">
<label>Name <input name="name" required maxlength="80"></label>
<label>Comment <textarea name="text" rows="4" required maxlength="5000"></textarea></label>
<button>Send</button>
</form>`;

/** After a comment. */
export const thanksPage = (comment: Comment): Answer =>
  page(
    comment.status === 'waiting' ? 'Thank you. It is shown once it is approved' : 'Thank you',
    html`<p><a href="../${comment.slug}">Back</a></p>`,
    201,
  );

/** Comments that wait. */
export const moderationPage = (comments: readonly Comment[]): Answer =>
  page(
    'Comments that wait',
    html`<ul class="comments">
${comments.map(
  (
    one,
  ) => html`<li><b>${one.name}</b> ${time(one.at)} <a href="${one.slug}">${one.slug}</a> ${paragraphs(one.text)}
<form method="post" action="comments/${one.id}"><button name="do" value="approve">Approve</button><button name="do" value="delete">Delete</button></form></li>`,
)}
</ul>`,
  );
