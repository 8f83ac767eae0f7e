/** Lists in the page. An element stays as long as its item is listed, so that its focus and its text stay. */
import { button } from './element.ts';

/** An element, and what makes it show an item. */
export interface Shown<T> {
  readonly element: Element;
  /** Called with each list that has the item, for the first time after the element is made. */
  show(item: T): void;
}

/**
 * Makes the function that shows a list in a box, which has no other children. Items with the same
 * key share an element.
 */
export function listIn<T>(
  box: Element,
  keyOf: (item: T) => string,
  make: (first: T) => Shown<T>,
): (items: readonly T[]) => void {
  const shown = new Map<string, Shown<T>>();
  return (items) => {
    const focused = document.activeElement;
    const listed = new Map(items.map((item) => [keyOf(item), item]));
    for (const [key, { element }] of shown) {
      if (listed.has(key)) continue;
      shown.delete(key);
      element.remove();
    }
    let next = box.firstElementChild;
    for (const [key, item] of listed) {
      const one = shown.get(key) ?? make(item);
      shown.set(key, one);
      one.show(item);
      if (one.element === next) next = next.nextElementSibling;
      else box.insertBefore(one.element, next);
    }
    // What has been moved has lost the focus.
    if (
      focused instanceof HTMLElement &&
      box.contains(focused) &&
      focused !== document.activeElement
    )
      focused.focus();
  };
}

/** What a button does. */
export interface Action {
  readonly key: string;
  readonly text: string;
  run(): unknown;
}

/** Makes the function that shows buttons in a box. */
export const buttonsIn = (box: Element): ((actions: readonly Action[]) => void) =>
  listIn<Action>(
    box,
    ({ key }) => key,
    (first) => {
      let now = first;
      const element = button('', () => now.run());
      return {
        element,
        show(action) {
          now = action;
          if (element.textContent !== action.text) element.textContent = action.text;
        },
      };
    },
  );
