/**
 * The grammar of one right: `[methods ]scope[ rate]`.
 *
 * - `scope`: an exact text, or a prefix that ends in `*`. For `network.fetch` a URL (see
 *   `url-scope.ts`); for `contracts.provide` a contract id without its major version.
 * - `methods`, for `network.fetch` only: `GET` or `GET,HEAD`, in capitals; all when absent.
 * - `rate`: `10/s`, `100/min` or `1000/h`; unlimited when absent.
 */
import { coversPattern } from './names.js';
import type { PermissionName } from './permission-names.js';
import { coversUrl, isUrlScope } from './url-scope.js';

/** How often something may be done. */
export interface Rate {
  readonly count: number;
  /** Milliseconds. */
  readonly per: number;
}

/** A parsed right. */
export interface Right {
  readonly scope: string;
  /** All when absent. */
  readonly methods?: readonly string[];
  readonly rate?: Rate;
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, min: 60_000, h: 3_600_000 };
const RATE = /^(.*) ([1-9]\d{0,8})\/(s|min|h)$/s;
const METHODS = /^([A-Z]{1,16}(?:,[A-Z]{1,16}){0,8}) (.*)$/s;

const MAJOR = /@\d{1,6}$/;

/** Parses a right; undefined when its scope is invalid. */
export function parseRight(permission: PermissionName, text: string): Right | undefined {
  const rated = RATE.exec(text);
  const rate =
    rated === null
      ? undefined
      : { count: Number(rated[2]), per: UNITS[rated[3] as string] as number };
  const asked = parseAsked(permission, rated === null ? text : (rated[1] as string));
  const { scope } = asked;
  if (
    scope === '' ||
    (permission === 'network.fetch' ? !isUrlScope(scope) : scope.slice(0, -1).includes('*'))
  )
    return undefined;
  return rate === undefined ? asked : { ...asked, rate };
}

/**
 * An intended action as the right for exactly that. Only a method is parsed; the rest is taken
 * literally.
 */
export function parseAsked(permission: PermissionName, text: string): Right {
  if (permission === 'contracts.provide') return { scope: text.replace(MAJOR, '') };
  const verbs = permission === 'network.fetch' ? METHODS.exec(text) : null;
  return verbs === null
    ? { scope: text }
    : { scope: verbs[2] as string, methods: (verbs[1] as string).split(',') };
}

/** Whether the one right includes the other. */
export function rightCovers(permission: PermissionName, wide: Right, narrow: Right): boolean {
  return (
    (wide.rate === undefined ||
      (narrow.rate !== undefined && rateCovers(wide.rate, narrow.rate))) &&
    rightReaches(permission, wide, narrow)
  );
}

/**
 * Compares both the long-run rate and the burst: `60/min` may be used up within a second, `1/s` may
 * not.
 */
function rateCovers(wide: Rate, narrow: Rate): boolean {
  return narrow.count <= wide.count && narrow.count * wide.per <= wide.count * narrow.per;
}

/** Like {@link rightCovers}, but ignores rates. */
export function rightReaches(permission: PermissionName, wide: Right, narrow: Right): boolean {
  const methods =
    wide.methods === undefined ||
    narrow.methods?.every((method) => wide.methods?.includes(method)) === true;
  return methods && scopesCover(permission, wide.scope, narrow.scope);
}

/** What both rights allow, as text; undefined when they don't overlap. */
export function meetRights(permission: PermissionName, a: Right, b: Right): string | undefined {
  const scope = scopesCover(permission, a.scope, b.scope)
    ? b.scope
    : scopesCover(permission, b.scope, a.scope)
      ? a.scope
      : undefined;
  if (scope === undefined) return undefined;
  const methods =
    a.methods === undefined
      ? b.methods
      : b.methods === undefined
        ? a.methods
        : a.methods.filter((method) => b.methods?.includes(method));
  if (methods?.length === 0) return undefined;
  const rate = [a.rate, b.rate]
    .filter((one) => one !== undefined)
    .sort((x, y) => x.count / x.per - y.count / y.per || x.count - y.count)[0];
  return rightText({
    scope,
    ...(methods !== undefined && { methods }),
    ...(rate !== undefined && { rate }),
  });
}

/** A right as it is written. */
export function rightText({ scope, methods, rate }: Right): string {
  const unit = Object.keys(UNITS).find((one) => UNITS[one] === rate?.per);
  return `${methods === undefined ? '' : `${methods.join()} `}${scope}${rate === undefined ? '' : ` ${rate.count}/${unit}`}`;
}

const scopesCover = (permission: PermissionName, wide: string, narrow: string) =>
  (permission === 'network.fetch' ? coversUrl : coversPattern)(wide, narrow);
