/** When a view may take the focus: in answer to a use of it, and from nothing else in the page. */

/** Milliseconds in which a plugin answers a use. */
const ANSWER_WITHIN = 5_000;

/** Owns the right to the focus. Each use of a view gives it once. */
export class FocusRight {
  #used = Number.NEGATIVE_INFINITY;

  /** The user has used the view. */
  used(): void {
    this.#used = performance.now();
  }

  /** Moves the focus to an element of the view, if it may have it. */
  move(target: HTMLElement): void {
    if (performance.now() - this.#used > ANSWER_WITHIN || !isFree(target)) return;
    this.#used = Number.NEGATIVE_INFINITY;
    target.focus();
  }
}

/**
 * Whether the focus is in the view that an element stands in, on what stands around the view, which
 * some browsers focus for a button in it, or nowhere.
 */
function isFree(target: Element): boolean {
  const view = target.closest('[data-plinth="view"]');
  let inner = target;
  for (;;) {
    const root: Node & { readonly activeElement?: Element | null } = inner.getRootNode();
    const { activeElement: focused } = root;
    const isAround = !focused || focused.contains(inner);
    if (!isAround) return inner === target && view?.contains(focused) === true;
    if (root.nodeType === Node.DOCUMENT_NODE) return true;
    // An element that is gone stands in no page.
    if (!(root instanceof ShadowRoot)) return false;
    inner = root.host;
  }
}
