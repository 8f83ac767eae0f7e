/** What the application and other plugins may ask of this one. */
import { command, contract, event } from '@plinth/sdk';
import * as v from 'valibot';
import { PostRecord } from './post.ts';

export const Blog = contract('com.example.blog@1', {
  /** Makes a draft. */
  draft: command({
    input: v.object({ title: v.string(), text: v.string(), author: v.string() }),
    output: v.object({ slug: v.string() }),
  }),
  /** Takes posts in with their comments. Those that are there stay as they are. */
  load: command({
    input: v.pipe(v.array(PostRecord), v.maxLength(500)),
    output: v.object({ added: v.number() }),
  }),
  count: command({ output: v.object({ posts: v.number(), comments: v.number() }) }),
  published: event(v.object({ slug: v.string(), title: v.string() })),
});
