/** One check of a value: its steps, its problems, and where in the value it is. */
import type { Issue } from '@plinth/sdk/contract';
import type { LinearPattern } from './pattern.js';
import type { JsonSchema } from './schema-guard.js';
import type { Steps } from './steps.js';

/** The most problems that are reported. */
const MAX_ISSUES = 50;
/** Characters of a value or a name that a problem shows. */
export const MAX_SHOWN = 160;

/** The path of a value. It becomes text only for a problem. */
export interface Place {
  readonly parent: Place | undefined;
  readonly key: string | number;
}

/** The parts of an object or a list that were evaluated, for `unevaluated…`. */
export class Seen {
  readonly keys = new Set<string | number>();
  all = false;

  add({ keys, all }: Seen): void {
    this.all ||= all;
    for (const key of keys) this.keys.add(key);
  }
}

/** The value that is checked, as a whole. */
export const ROOT: Place = { parent: undefined, key: '' };

/** The state of one check. */
export class Run {
  readonly steps: Steps;
  readonly issues: Issue[];

  constructor(steps: Steps, issues: Issue[]) {
    this.steps = steps;
    this.issues = issues;
  }

  /** Records a problem when the caller wants it. Always returns false. */
  wrong(place: Place | undefined, message: string): false {
    if (place !== undefined && this.issues.length < MAX_ISSUES)
      this.issues.push({ path: pathOf(place), message });
    return false;
  }

  /** Whether a check can stop after a problem, because the caller needs no more. */
  over(place: Place | undefined): boolean {
    return place === undefined || this.issues.length >= MAX_ISSUES;
  }
}

function pathOf(place: Place): string {
  const keys: (string | number)[] = [];
  for (let at: Place | undefined = place; at?.parent !== undefined; at = at.parent)
    keys.push(typeof at.key === 'string' ? cut(at.key) : at.key);
  return keys.reverse().join('.');
}

/** Whether an object has a value under a key. */
export const has = (object: object, key: string) =>
  Object.hasOwn(object, key) && (object as Readonly<Record<string, unknown>>)[key] !== undefined;
/** A text, cut for a message. */
export const cut = (text: string) =>
  text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
/** A value, cut for a message. */
export const shown = (value: unknown) => cut(JSON.stringify(value) ?? String(value));

/** Checks a value or a part of it. Without a place, the first problem ends the check. */
export interface Checker {
  check(
    schema: JsonSchema,
    value: unknown,
    run: Run,
    place: Place | undefined,
    depth: number,
    seen: Seen | undefined,
  ): boolean;
  pattern(text: string): LinearPattern;
}
