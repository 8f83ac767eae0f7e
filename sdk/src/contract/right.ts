/**
 * The grammar of one right: `[methods ]scope[ rate]`.
 *
 * - `scope`: an exact text, or a prefix that ends in `*`; of `network.fetch` a URL (see `url-scope.ts`).
 * - `methods`, of `network.fetch` alone: `GET` or `GET,HEAD`, in capitals; all when absent.
 * - `rate`: `10/s`, `100/min` or `1000/h`; any when absent.
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

/** A right, taken apart. */
export interface Right {
  readonly scope: string;
  /** All when absent. */
  readonly methods?: readonly string[];
  readonly rate?: Rate;
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, min: 60_000, h: 3_600_000 };
const RATE = /^(.*) ([1-9]\d{0,8})\/(s|min|h)$/s;
const METHODS = /^([A-Z]{1,16}(?:,[A-Z]{1,16}){0,8}) (.*)$/s;

/** Takes a right apart; undefined when its scope can't be one. */
export function parseRight(permission: PermissionName, text: string): Right | undefined {
  const rated = RATE.exec(text);
  const rate = rated === null ? undefined : { count: Number(rated[2]), per: UNITS[rated[3] as string] as number };
  const asked = parseAsked(permission, rated === null ? text : (rated[1] as string));
  const { scope } = asked;
  if (scope === '' || (permission === 'network.fetch' ? !isUrlScope(scope) : scope.slice(0, -1).includes('*'))) return undefined;
  return rate === undefined ? asked : { ...asked, rate };
}

/** What is about to be done, as a right for just that: a method is told apart, the rest is taken as it is. */
export function parseAsked(permission: PermissionName, text: string): Right {
  const verbs = permission === 'network.fetch' ? METHODS.exec(text) : null;
  return verbs === null ? { scope: text } : { scope: verbs[2] as string, methods: (verbs[1] as string).split(',') };
}

/** Whether who has the one right has the other, too. */
export function rightCovers(permission: PermissionName, wide: Right, narrow: Right): boolean {
  return (wide.rate === undefined || (narrow.rate !== undefined && rateCovers(wide.rate, narrow.rate))) && rightReaches(permission, wide, narrow);
}

/** Neither more in the long run nor more at once: `60/min` may be used up within a second, `1/s` may not. */
function rateCovers(wide: Rate, narrow: Rate): boolean {
  return narrow.count <= wide.count && narrow.count * wide.per <= wide.count * narrow.per;
}

/** The same, however often. */
export function rightReaches(permission: PermissionName, wide: Right, narrow: Right): boolean {
  const methods = wide.methods === undefined || narrow.methods?.every((method) => wide.methods?.includes(method)) === true;
  return methods && scopesCover(permission, wide.scope, narrow.scope);
}

/** What both rights allow, as text; undefined when that is nothing. */
export function meetRights(permission: PermissionName, a: Right, b: Right): string | undefined {
  const scope = scopesCover(permission, a.scope, b.scope) ? b.scope : scopesCover(permission, b.scope, a.scope) ? a.scope : undefined;
  if (scope === undefined) return undefined;
  const methods = a.methods === undefined ? b.methods : b.methods === undefined ? a.methods : a.methods.filter((method) => b.methods?.includes(method));
  if (methods?.length === 0) return undefined;
  const rate = [a.rate, b.rate].filter((one) => one !== undefined).sort((x, y) => x.count / x.per - y.count / y.per || x.count - y.count)[0];
  return rightText({ scope, ...(methods !== undefined && { methods }), ...(rate !== undefined && { rate }) });
}

/** A right as it is written. */
export function rightText({ scope, methods, rate }: Right): string {
  const unit = Object.keys(UNITS).find((one) => UNITS[one] === rate?.per);
  return `${methods === undefined ? '' : `${methods.join()} `}${scope}${rate === undefined ? '' : ` ${rate.count}/${unit}`}`;
}

const scopesCover = (permission: PermissionName, wide: string, narrow: string) => (permission === 'network.fetch' ? coversUrl : coversPattern)(wide, narrow);
