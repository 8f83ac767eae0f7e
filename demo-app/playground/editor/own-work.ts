/** The draft of this browser. All of its tabs have the same one. */
import type { Draft } from './link.ts';
import { Work } from './session.ts';
import { TEMPLATES } from './templates.ts';

const KEPT = 'plinth-playground-draft';

/**
 * Makes the work of the page, which keeps each change of its text. It follows the other tabs, unless
 * its own text could not be kept. A page without storage begins with the first template.
 */
export function ownWork(): Work {
  const [first] = TEMPLATES;
  const work = new Work(draftIn(read()) ?? (first as Draft), false);
  let kept = textOf(work);
  work.changes.subscribe(() => {
    const text = textOf(work);
    // A run is a change, too, and no reason to write over what another tab has kept.
    if (text === kept) return;
    try {
      localStorage.setItem(KEPT, text);
      kept = text;
    } catch {
      // The browser keeps nothing, or no more.
    }
  });
  addEventListener('storage', ({ key, newValue }) => {
    const draft = key === KEPT ? draftIn(newValue) : undefined;
    if (draft === undefined || textOf(work) !== kept) return;
    work.edit(draft);
    kept = textOf(work);
  });
  return work;
}

function textOf({ draft: { manifest, code } }: Work): string {
  return JSON.stringify({ manifest, code });
}

function read(): string | null {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function draftIn(text: string | null): Draft | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    const { manifest, code } = (value ?? {}) as Partial<Record<keyof Draft, unknown>>;
    return typeof manifest === 'string' && typeof code === 'string'
      ? { manifest, code }
      : undefined;
  } catch {
    return undefined;
  }
}
