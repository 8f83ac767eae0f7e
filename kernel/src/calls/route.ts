/** Which versions of a plugin a call may go to. */
import { parseContractId, parseNeed, satisfies } from '@plinth/sdk/contract';

/** Which of several versions a caller means. */
export interface Route {
  /** Range of plugin versions. */
  readonly range?: string | undefined;
  /** A contract (`<id>@<major>`), or a need (`<id>@<range>`). */
  readonly contract?: string | undefined;
  /** The caller itself, where it means others by what it provides, too. */
  readonly except?: string | undefined;
}

/**
 * Whether a version is one that a caller may mean. The host's own commands have no version and suit
 * every caller.
 */
export function leadsTo(
  { range, contract, except }: Route,
  {
    id,
    owner = id,
    version,
    provides = [],
  }: {
    readonly id?: string | undefined;
    readonly owner?: string | undefined;
    readonly version?: string | undefined;
    readonly provides?: readonly string[];
  },
): boolean {
  if (owner !== undefined && owner === except) return false;
  if (version === undefined) return true;
  if (range !== undefined && !satisfies(version, range)) return false;
  if (contract === undefined) return true;
  const need = parseNeed(contract);
  // A plugin whose manifest doesn't declare what it provides can't be chosen by that.
  const majors = provides.flatMap((one) => {
    const parsed = parseContractId(one);
    return parsed?.base === need?.base ? [(parsed as { major: number }).major] : [];
  });
  return (
    need === undefined ||
    majors.length === 0 ||
    majors.some((major) => satisfies(`${major}.0.0`, need.range))
  );
}

/** The key that calls with the same route share. */
export const routeKey = (route: Route | undefined): string =>
  route === undefined ? '' : `${route.range ?? ''} ${route.contract ?? ''} ${route.except ?? ''}`;
