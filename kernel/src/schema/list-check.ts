/** Checks a list with a schema: its items, and how many there are. */
import type { Checker, Place, Run, Seen } from './run.js';
import type { JsonSchema, SchemaNode } from './schema-guard.js';
import { identityOf } from './values.js';

/** Checks one list. */
export class ListCheck {
  readonly #checker: Checker;
  readonly #schema: SchemaNode;
  readonly #list: readonly unknown[];
  readonly #run: Run;
  readonly #place: Place | undefined;
  readonly #depth: number;
  readonly #seen: Seen | undefined;
  #fits = true;

  constructor(
    checker: Checker,
    schema: SchemaNode,
    list: readonly unknown[],
    run: Run,
    place: Place | undefined,
    depth: number,
    seen: Seen | undefined,
  ) {
    this.#checker = checker;
    this.#schema = schema;
    this.#list = list;
    this.#run = run;
    this.#place = place;
    this.#depth = depth;
    this.#seen = seen;
  }

  /**
   * Whether the list is valid.
   *
   * @param draft7 whether items that `contains` finds don't count as evaluated.
   */
  fits(draft7: boolean): boolean {
    const { contains, uniqueItems } = this.#schema;
    this.#count();
    if (!this.#items()) return false;
    if (contains !== undefined && !this.#over)
      this.#fits = this.#contains(contains as JsonSchema, draft7) && this.#fits;
    if (uniqueItems === true && !this.#over) this.#unique();
    return this.#unevaluated() && this.#fits;
  }

  get #over(): boolean {
    return !this.#fits && this.#run.over(this.#place);
  }

  #wrong(message: string): void {
    this.#fits = this.#run.wrong(this.#place, message);
  }

  #count(): void {
    const { minItems, maxItems } = this.#schema;
    const { length } = this.#list;
    if (typeof maxItems === 'number' && length > maxItems)
      this.#wrong(`Array has too many items (${length} > ${maxItems}).`);
    if (typeof minItems === 'number' && length < minItems)
      this.#wrong(`Array has too few items (${length} < ${minItems}).`);
  }

  /** Checks the items by their places. Answers false when the check is over. */
  #items(): boolean {
    const { items, additionalItems, prefixItems } = this.#schema;
    const { length } = this.#list;
    // Before 2020-12 a tuple was written as `items`.
    const tuple = (Array.isArray(items) ? items : (prefixItems ?? [])) as readonly JsonSchema[];
    const rest = (Array.isArray(items) ? additionalItems : items) as JsonSchema | undefined;
    const named = rest === undefined ? Math.min(tuple.length, length) : length;
    for (let index = 0; index < named; index++) {
      if (this.#over) return false;
      this.#part((index < tuple.length ? tuple[index] : rest) as JsonSchema, index);
    }
    return true;
  }

  #unique(): void {
    const before = new Set<unknown>();
    const twice = this.#list.findIndex(
      (one) => before.size === before.add(identityOf(one, this.#run.steps)).size,
    );
    if (twice !== -1) this.#wrong(`Array has duplicate items, the second of them at ${twice}.`);
  }

  /** Checks the items that no other keyword has. Answers false when the check is over. */
  #unevaluated(): boolean {
    const { unevaluatedItems } = this.#schema;
    const seen = this.#seen;
    if (unevaluatedItems === undefined || seen === undefined || seen.all) return true;
    for (let index = 0; index < this.#list.length; index++) {
      if (this.#over) return false;
      this.#run.steps.take(1);
      if (!seen.keys.has(index)) this.#part(unevaluatedItems as JsonSchema, index);
    }
    seen.all = true;
    return true;
  }

  #part(other: JsonSchema, index: number): void {
    const at = this.#place === undefined ? undefined : { parent: this.#place, key: index };
    this.#seen?.keys.add(index);
    const item = this.#list[index];
    const fits = this.#checker.check(other, item, this.#run, at, this.#depth + 1, undefined);
    this.#fits = fits && this.#fits;
  }

  #contains(contains: JsonSchema, draft7: boolean): boolean {
    const { minContains, maxContains } = this.#schema;
    const least = typeof minContains === 'number' ? minContains : 1;
    const most = typeof maxContains === 'number' ? maxContains : Number.POSITIVE_INFINITY;
    const depth = this.#depth + 1;
    let found = 0;
    for (const [index, item] of this.#list.entries()) {
      if (!this.#checker.check(contains, item, this.#run, undefined, depth, undefined)) continue;
      found += 1;
      if (!draft7) this.#seen?.keys.add(index);
    }
    if (found < least) {
      const message = `Array has ${found} items of a kind of which it needs ${least}.`;
      return this.#run.wrong(this.#place, message);
    }
    if (found <= most) return true;
    const message = `Array has ${found} items of a kind of which it may have ${most}.`;
    return this.#run.wrong(this.#place, message);
  }
}
