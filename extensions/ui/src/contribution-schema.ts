/** The schema of `contributes.ui`. */
import * as v from 'valibot';

const text = (most: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(most));
const name = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-zA-Z0-9-]{0,63}$/, 'letters, digits and -, a small letter first, at most 64'),
);
const slot = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9-]*(\/[a-z0-9-]+)*$/, "a slot like 'sidebar' or 'article/footer'"),
  v.maxLength(128),
);
const when = v.optional(text(512));
const order = v.optional(v.pipe(v.number(), v.minValue(-10_000), v.maxValue(10_000)));
const list = <S extends v.GenericSchema>(item: S, most: number) =>
  v.optional(v.pipe(v.array(item), v.maxLength(most)));

/** The schema of `contributes.ui`. */
export const contributionSchema = v.strictObject({
  kit: v.optional(text(64)),
  views: list(
    v.strictObject({
      id: name,
      title: text(200),
      slot,
      when,
      icon: v.optional(text(64)),
      frame: v.optional(v.boolean()),
      order,
    }),
    64,
  ),
  palette: list(v.strictObject({ command: name, when }), 256),
  menus: v.optional(
    v.pipe(
      v.record(
        slot,
        v.pipe(
          v.array(v.strictObject({ command: name, when, group: v.optional(text(64)), order })),
          v.maxLength(64),
        ),
      ),
      v.maxEntries(64),
    ),
  ),
  keys: list(v.strictObject({ key: text(64), command: name, when }), 64),
  status: list(
    v.strictObject({
      id: name,
      text: v.optional(v.pipe(v.string(), v.maxLength(60))),
      command: v.optional(name),
      when,
    }),
    16,
  ),
  settings: v.optional(
    v.strictObject({ title: v.optional(text(200)), order: list(text(128), 256) }),
  ),
});

/** What a manifest says under `contributes.ui`. */
export type UiContribution = v.InferOutput<typeof contributionSchema>;
/** A view that a manifest lists. */
export type ViewContribution = NonNullable<UiContribution['views']>[number];

const factName = v.pipe(
  v.string(),
  v.regex(/^[a-z][\w.-]*$/i, 'letters, digits, _, . and -, a letter first'),
  v.maxLength(64),
);

/** What plugins may say to the user, and to when-clauses. */
export const inputs = {
  notify: v.strictObject({
    text: text(500),
    tone: v.optional(v.picklist(['plain', 'accent', 'good', 'warn', 'bad']), 'plain'),
  }),
  ask: v.strictObject({
    title: text(200),
    text: v.optional(text(2_000)),
    choices: v.pipe(v.array(text(60)), v.minLength(1), v.maxLength(5)),
  }),
  status: v.strictObject({ id: name, text: v.nullable(v.pipe(v.string(), v.maxLength(60))) }),
  fact: v.strictObject({
    name: factName,
    value: v.union([
      v.pipe(v.string(), v.maxLength(1_000)),
      v.pipe(v.number(), v.finite()),
      v.boolean(),
      v.null(),
    ]),
  }),
} as const;
