/** What the editor knows of the types of the SDK. `build/sdk-table.ts` reads them when it is built. */

/** A member of a type, or what a module exports. */
export interface Member {
  readonly name: string;
  readonly kind: 'method' | 'property' | 'function' | 'class' | 'constant' | 'type';
  /** As the declaration writes it, behind the name. */
  readonly type: string;
  /** The first sentence of its comment. */
  readonly doc?: string;
  /** The name of its type in the table: of its value, or of what it answers. */
  readonly of?: string;
}

/** Members by the name of their type, and exports by the name of their module. */
export interface SdkTable {
  readonly types: Readonly<Record<string, readonly Member[]>>;
  readonly modules: Readonly<Record<string, readonly Member[]>>;
  /** Types that have more members than the table knows. */
  readonly open: readonly string[];
}

/** The member of a type that a path leads to, like `storage`, `get` from `PluginContext`. */
export function memberAt(
  { types }: SdkTable,
  type: string,
  path: readonly string[],
): Member | undefined {
  let members = typeAt(types, type);
  let found: Member | undefined;
  for (const name of path) {
    found = members?.find((one) => one.name === name);
    members = found?.kind === 'property' ? typeAt(types, found.of) : undefined;
  }
  return found;
}

/** The name of the type that a path leads to. */
export function typeNameAt(
  table: SdkTable,
  type: string | undefined,
  path: readonly string[],
): string | undefined {
  if (type === undefined || path.length === 0) return type;
  const found = memberAt(table, type, path);
  return found?.kind === 'property' ? found.of : undefined;
}

/** The members that a path leads to. */
export function membersAt(
  table: SdkTable,
  type: string | undefined,
  path: readonly string[],
): readonly Member[] | undefined {
  return typeAt(table.types, typeNameAt(table, type, path));
}

const typeAt = (types: SdkTable['types'], name: string | undefined) =>
  name !== undefined && Object.hasOwn(types, name) ? types[name] : undefined;
