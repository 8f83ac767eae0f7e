/** What a view is made of, as plain objects. */

/** An element that a view shows. */
export interface ViewNode {
  readonly type: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly children: readonly Child[];
}

/** What may stand in an element. Null, undefined and booleans show nothing. */
export type Child = ViewNode | string | number | boolean | null | undefined | readonly Child[];

/** An element or a text, as it is compared with what is shown. */
export type Wanted = ViewNode | string;

/** The children that show something, without nesting. */
export function wantedOf(child: Child, into: Wanted[] = []): Wanted[] {
  if (Array.isArray(child)) for (const one of child as readonly Child[]) wantedOf(one, into);
  else if (typeof child === 'number') into.push(String(child));
  else if (typeof child === 'string') into.push(child);
  else if (typeof child === 'object' && child !== null) into.push(child as ViewNode);
  return into;
}
