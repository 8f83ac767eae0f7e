/** Patterns of paths: `/notes/:id` and `/files/*path`. Plugins and the host read them alike. */

/** The names of the parameters in a path. */
export type ParametersOf<Route extends string> = Route extends `${string}:${infer Rest}`
  ? Rest extends `${infer Name}/${infer More}`
    ? Name | ParametersOf<`/${More}`>
    : Rest
  : Route extends `${string}/*${infer Name}`
    ? Name
    : never;

/** The methods that routes have. */
export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** One of them. */
export type Method = (typeof METHODS)[number];

/** A path that was read. */
export type Segments = readonly string[];

/** Segments, decoded. Undefined for a path that is malformed. */
export function segmentsOf(path: string): Segments | undefined {
  if (!path.startsWith('/') || path.includes('\0')) return undefined;
  try {
    return path.slice(1).split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** Segments of a pattern. Undefined for one that is none. */
export function patternOf(path: string): Segments | undefined {
  const segments = segmentsOf(path);
  const names = segments?.filter((part) => /^[:*]/.test(part)).map((part) => part.slice(1)) ?? [];
  if (segments === undefined || names.includes('') || new Set(names).size < names.length)
    return undefined;
  // The rest of a path comes last.
  return segments.slice(0, -1).some((part) => part.startsWith('*')) ? undefined : segments;
}

/** The parameters of a path that fits a pattern. Undefined for one that doesn't. */
export function match(
  pattern: Segments,
  segments: Segments,
): Readonly<Record<string, string>> | undefined {
  const found: [string, string][] = [];
  for (const [at, part] of pattern.entries()) {
    const given = segments[at];
    if (given === undefined) return undefined;
    if (part.startsWith('*')) {
      const rest = segments.slice(at).join('/');
      return rest === '' ? undefined : Object.fromEntries([...found, [part.slice(1), rest]]);
    }
    if (part.startsWith(':') ? given === '' : part !== given) return undefined;
    if (part.startsWith(':')) found.push([part.slice(1), given]);
  }
  return pattern.length === segments.length ? Object.fromEntries(found) : undefined;
}

const rank = (part: string): number => (part.startsWith('*') ? 2 : part.startsWith(':') ? 1 : 0);

/** The order in which patterns are tried: at each segment, what is written out comes first. */
export function inOrder(
  { segments: one }: { readonly segments: Segments },
  { segments: other }: { readonly segments: Segments },
): number {
  const at = one.findIndex((part, index) => rank(part) !== rank(other[index] ?? part));
  return at < 0 ? 0 : rank(one[at] as string) - rank(other[at] as string);
}

/** What two patterns that fit the same paths have in common. */
export const shapeOf = (pattern: Segments): string =>
  `/${pattern.map((part) => (/^[:*]/.test(part) ? part.slice(0, 1) : part)).join('/')}`;
