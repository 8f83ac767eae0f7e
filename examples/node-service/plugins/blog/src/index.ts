/** A blog: posts with drafts and times, comments with moderation, and a feed. */
import { HttpRoutes, routes } from '@plinth/http';
import { jobs } from '@plinth/jobs';
import { telemetry } from '@plinth/otel';
import { definePlugin } from '@plinth/sdk';
import { database, type Kysely } from '@plinth/sql';
import * as v from 'valibot';
import { check, form, json, signedIn } from '../../../shared/input.ts';
import { seeOther } from '../../../shared/page.ts';
import { answered } from '../../../shared/routes.ts';
import { Blog } from './contract.ts';
import { feedOf } from './feed.ts';
import { formPage, listPage, moderationPage, postPage, thanksPage } from './pages.ts';
import { CommentInput, type Post, PostInput, PublishInput } from './post.ts';
import * as store from './store.ts';

export default definePlugin({
  provides: [HttpRoutes, Blog],
  config: v.object({
    title: v.optional(v.string(), 'Blog'),
    /** Where the blog is, as readers of the feed reach it. */
    address: v.optional(v.string(), 'http://localhost/blog/'),
    /** Whether comments wait for an editor. */
    moderation: v.optional(v.boolean(), true),
    /** Posts of a list and of the feed. */
    most: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(500)), 50),
  }),
  activate(ctx) {
    const db: Kysely<store.Schema> = database(ctx);
    const posts = telemetry(ctx).counter('posts', '{post}');

    const told = async (post: Post): Promise<Post> => {
      posts.add(1, { status: post.status });
      const { slug, title, status } = post;
      if (status === 'published') await ctx.events.emit(Blog.published, { slug, title });
      return post;
    };
    const add = async (sent: unknown, user: string) => store.add(db, check(PostInput, sent), user);
    const change = async (slug: string, sent: unknown) =>
      store.change(db, slug, check(PostInput, sent));
    const publish = async (slug: string, sent: unknown) =>
      told(await store.publish(db, slug, check(PublishInput, sent).at));
    const comment = async (slug: string, sent: unknown) =>
      store.comment(
        db,
        slug,
        check(CommentInput, sent),
        ctx.config.moderation ? 'waiting' : 'approved',
      );

    ctx.provide(Blog, {
      draft: ({ author, ...input }) => add(input, author),
      load: async (records) => ({ added: await store.load(db, records) }),
      count: () => store.count(db),
    });

    // What was due while the service didn't run is published by the first run after it.
    jobs(ctx).on('publish', async () => {
      for (const post of await store.publishDue(db)) await told(post);
    });

    routes(
      ctx,
      answered({
        async 'GET /'(_, { user }) {
          const { title, most } = ctx.config;
          return listPage(title, await store.list(db, most, user !== undefined), user);
        },
        async 'GET /feed.atom'() {
          const { title, address, most } = ctx.config;
          return feedOf(title, address, await store.list(db, most));
        },
        'GET /new'(_, { user }) {
          signedIn(user);
          return formPage();
        },
        async 'POST /'({ body }, { user }) {
          const { slug } = await add(form(body), signedIn(user));
          return seeOther(slug);
        },
        async 'GET /:slug'({ params }, { user }) {
          const post = await store.get(db, params.slug, user !== undefined);
          return postPage(post, await store.shown(db, post.slug), user);
        },
        async 'GET /:slug/edit'({ params }, { user }) {
          signedIn(user);
          return formPage(await store.get(db, params.slug, true));
        },
        async 'POST /:slug'({ params, body }, { user }) {
          signedIn(user);
          const { slug } = await change(params.slug, form(body));
          return seeOther(slug);
        },
        async 'POST /:slug/publish'({ params, body }, { user }) {
          signedIn(user);
          const { at } = form(body);
          await publish(params.slug, at ? { at } : {});
          return seeOther(`../${params.slug}`);
        },
        async 'POST /:slug/delete'({ params }, { user }) {
          signedIn(user);
          await store.remove(db, params.slug);
          return seeOther('../');
        },
        async 'POST /:slug/comments'({ params, body }) {
          return thanksPage(await comment(params.slug, form(body)));
        },
        async 'GET /comments'(_, { user }) {
          signedIn(user);
          return moderationPage(await store.waiting(db));
        },
        async 'POST /comments/:id'({ params, body }, { user }) {
          signedIn(user);
          if (form(body)['do'] === 'approve') await store.approve(db, params.id);
          else await store.removeComment(db, params.id);
          return seeOther('../comments');
        },

        async 'GET /api/posts'(_, { user }) {
          return { json: await store.list(db, ctx.config.most, user !== undefined) };
        },
        async 'POST /api/posts'({ body }, { user }) {
          return { status: 201, json: await add(json(body), signedIn(user)) };
        },
        async 'GET /api/posts/:slug'({ params }, { user }) {
          return { json: await store.get(db, params.slug, user !== undefined) };
        },
        async 'PUT /api/posts/:slug'({ params, body }, { user }) {
          signedIn(user);
          return { json: await change(params.slug, json(body)) };
        },
        async 'DELETE /api/posts/:slug'({ params }, { user }) {
          signedIn(user);
          await store.remove(db, params.slug);
          return { status: 204 };
        },
        async 'POST /api/posts/:slug/publish'({ params, body }, { user }) {
          signedIn(user);
          return { json: await publish(params.slug, json(body)) };
        },
        async 'GET /api/posts/:slug/comments'({ params }, { user }) {
          const { slug } = await store.get(db, params.slug, user !== undefined);
          return { json: await store.shown(db, slug) };
        },
        async 'POST /api/posts/:slug/comments'({ params, body }) {
          return { status: 201, json: await comment(params.slug, json(body)) };
        },
        async 'GET /api/comments'(_, { user }) {
          signedIn(user);
          return { json: await store.waiting(db) };
        },
        async 'POST /api/comments/:id/approve'({ params }, { user }) {
          signedIn(user);
          return { json: await store.approve(db, params.id) };
        },
        async 'DELETE /api/comments/:id'({ params }, { user }) {
          signedIn(user);
          await store.removeComment(db, params.id);
          return { status: 204 };
        },
      }),
    );
  },
});
