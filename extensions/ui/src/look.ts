/** Adds the style sheet of views to a page. */
import { stylesheet } from './stylesheet.js';

const adopted = new WeakSet<Document | ShadowRoot>();

/** Adds the style sheet to the page, or to the shadow tree, that an element stands in. Once. */
export function adoptLook(element: Element): void {
  const root = element.getRootNode();
  const home = root instanceof ShadowRoot ? root : element.ownerDocument;
  const View = element.ownerDocument.defaultView;
  if (adopted.has(home) || View === null) return;
  adopted.add(home);
  const sheet = new View.CSSStyleSheet();
  sheet.replaceSync(stylesheet);
  home.adoptedStyleSheets.push(sheet);
}
