/** The trees of a page that an element stands in: its document, and shadow trees around it. */

/** The shadow trees that an element stands in, the innermost first. */
export function shadowsAround(element: Element): readonly ShadowRoot[] {
  const around: ShadowRoot[] = [];
  let root = element.getRootNode();
  while (root instanceof ShadowRoot) {
    around.push(root);
    root = root.host.getRootNode();
  }
  return around;
}

/** What has the focus in the tree that an element stands in. A document knows only the outer host. */
export function focusedBeside(element: Element): Element | null {
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? root.activeElement : element.ownerDocument.activeElement;
}
