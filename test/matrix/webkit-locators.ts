/**
 * Vitest's locators for WebKitGTK. Loaded in the page of each test file: they find elements there,
 * and `webkit-input.ts` does what is asked of one.
 */
import {
  getByAltTextSelector,
  getByLabelSelector,
  getByPlaceholderSelector,
  getByRoleSelector,
  getByTextSelector,
  getByTitleSelector,
  Locator,
  selectorEngine,
} from '@vitest/browser/locators';
import { page } from 'vitest/browser';

/** Vitest passes the selector of such a locator on, and not a path to its element. */
const AS_IT_IS: unique symbol = Symbol.for('$$vitest:locator-resolved');

class WebKitLocator extends Locator {
  readonly selector: string;
  readonly [AS_IT_IS] = true;

  constructor(selector: string, container?: Element) {
    super();
    this.selector = selector;
    this._container = container;
  }

  protected locator(selector: string): Locator {
    return new WebKitLocator(`${this.selector} >> ${selector}`, this._container);
  }

  protected elementLocator(element: Element): Locator {
    return locate(selectorEngine.generateSelectorSimple(element), element);
  }
}

const locate = (selector: string, container?: Element) => new WebKitLocator(selector, container);

page.extend({
  getByRole: (role, options) => locate(getByRoleSelector(role, options)),
  getByLabelText: (text, options) => locate(getByLabelSelector(text, options)),
  getByText: (text, options) => locate(getByTextSelector(text, options)),
  getByAltText: (text, options) => locate(getByAltTextSelector(text, options)),
  getByPlaceholder: (text, options) => locate(getByPlaceholderSelector(text, options)),
  getByTitle: (text, options) => locate(getByTitleSelector(text, options)),
  elementLocator: (element) => locate(selectorEngine.generateSelectorSimple(element), element),
});
