/** PaperTrail: notes with tags, a search, and the trail of all their edits. */
import { HttpRoutes, routes } from '@plinth/http';
import { telemetry } from '@plinth/otel';
import { definePlugin, optional } from '@plinth/sdk';
import { database, type Kysely } from '@plinth/sql';
import * as v from 'valibot';
import { check, form, json, jsonLines, Refused, signedIn } from '../../../shared/input.ts';
import { seeOther } from '../../../shared/page.ts';
import { answered } from '../../../shared/routes.ts';
import { Blog } from '../../blog/src/contract.ts';
import { Notes } from './contract.ts';
import { isSigned, signatureOf } from './links.ts';
import { fromForm, type Note, NoteInput, NoteQuery, NoteRecord } from './note.ts';
import { formPage, listPage, notePage, revisionPage, sharedPage } from './pages.ts';
import * as store from './store.ts';

export default definePlugin({
  provides: [HttpRoutes, Notes],
  needs: { blog: optional(Blog) },
  config: v.object({
    title: v.optional(v.string(), 'PaperTrail'),
    /** Notes of a list. */
    most: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(500)), 100),
  }),
  activate(ctx) {
    const db: Kysely<store.Schema> = database(ctx);
    const saves = telemetry(ctx).counter('saves', '{save}');

    const secret = async () => {
      const key = await ctx.secrets.get('link-key');
      if (key === undefined) throw new Refused(503, 'Links are not set up');
      return key;
    };
    const find = (words: string, tag: string | undefined) =>
      store.find(db, { words, tag, most: ctx.config.most });
    const saved = async (note: Note): Promise<Note> => {
      const { id, title, revision } = note;
      saves.add(1, { kind: revision === 1 ? 'new' : 'edit' });
      await ctx.events.emit(Notes.saved, { id, title, revision });
      return note;
    };
    const add = async (sent: unknown, user: string) =>
      saved(await store.add(db, check(NoteInput, sent), user));
    const change = async (id: string, sent: unknown, user: string) =>
      saved(await store.change(db, id, check(NoteInput, sent), user));

    ctx.provide(Notes, {
      find: ({ words, tag }) => find(words, tag),
      load: async (records) => ({ added: await store.load(db, records) }),
      count: () => store.count(db),
    });

    routes(
      ctx,
      answered({
        async 'GET /'({ query }, { user }) {
          signedIn(user);
          const { q, tag } = check(NoteQuery, query);
          return listPage(ctx.config.title, await find(q, tag), q);
        },
        'GET /new'(_, { user }) {
          signedIn(user);
          return formPage();
        },
        async 'POST /'({ body }, { user }) {
          const { id } = await add(fromForm(form(body)), signedIn(user));
          return seeOther(id);
        },
        async 'GET /:id'({ params }, { user }) {
          signedIn(user);
          const note = await store.get(db, params.id);
          const link = `shared/${note.id}?key=${await signatureOf(note.id, await secret())}`;
          return notePage(note, await store.trail(db, note.id), link);
        },
        async 'GET /:id/edit'({ params }, { user }) {
          signedIn(user);
          return formPage(await store.get(db, params.id));
        },
        async 'POST /:id'({ params, body }, { user }) {
          const { id } = await change(params.id, fromForm(form(body)), signedIn(user));
          return seeOther(id);
        },
        async 'POST /:id/delete'({ params }, { user }) {
          signedIn(user);
          await store.remove(db, params.id);
          return seeOther('../');
        },
        async 'POST /:id/publish'({ params }, call) {
          const author = signedIn(call.user);
          const { title, text } = await store.get(db, params.id);
          if (ctx.needs.blog === undefined) throw new Refused(409, 'There is no blog');
          const { slug } = await ctx.needs.blog.draft({ title, text, author }, call);
          // Editors are asked there who they are: browsers send a password to paths that want one.
          return seeOther(`/blog/${slug}/edit`);
        },
        async 'GET /:id/trail/:number'({ params }, { user }) {
          signedIn(user);
          const trail = await store.trail(db, params.id);
          const found = trail.find(({ number }) => String(number) === params.number);
          if (found === undefined) throw new Refused(404, 'There is no such revision');
          return revisionPage(found);
        },
        async 'GET /shared/:id'({ params, query }) {
          if (!(await isSigned(params.id, query['key'] ?? '', await secret())))
            throw new Refused(404, 'There is no such note');
          return sharedPage(await store.get(db, params.id));
        },

        async 'GET /api/notes'({ query }, { user }) {
          signedIn(user);
          const { q, tag } = check(NoteQuery, query);
          return { json: await find(q, tag) };
        },
        async 'POST /api/notes'({ body }, { user }) {
          return { status: 201, json: await add(json(body), signedIn(user)) };
        },
        async 'GET /api/notes/:id'({ params }, { user }) {
          signedIn(user);
          return { json: await store.get(db, params.id) };
        },
        async 'PUT /api/notes/:id'({ params, body }, { user }) {
          return { json: await change(params.id, json(body), signedIn(user)) };
        },
        async 'DELETE /api/notes/:id'({ params }, { user }) {
          signedIn(user);
          await store.remove(db, params.id);
          return { status: 204 };
        },
        async 'GET /api/notes/:id/trail'({ params }, { user }) {
          signedIn(user);
          const { id } = await store.get(db, params.id);
          return { json: await store.trail(db, id) };
        },
        'GET /api/export'(_, { user }) {
          signedIn(user);
          return { headers: { 'content-type': 'application/x-ndjson' }, body: store.lines(db) };
        },
        async 'POST /api/import'({ body }, { user }) {
          signedIn(user);
          const records = check(v.pipe(v.array(NoteRecord), v.maxLength(500)), jsonLines(body));
          return { json: { added: await store.load(db, records) } };
        },
      }),
    );
  },
});
