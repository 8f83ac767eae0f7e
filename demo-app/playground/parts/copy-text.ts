/**
 * Copies a text. A page has no clipboard over plain HTTP, and its user may refuse one.
 *
 * @returns whether it was copied.
 */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
