/**
 * What the tests do as a user of WebKitGTK: presses and keys through its driver, which a page can't
 * tell from those of a person. Each name is a command of vitest's `userEvent`.
 */
import { parseKeyDef } from '@vitest/browser';

/** Asks the driver about the session. */
export type Ask = (method: string, path: string, body?: object) => Promise<unknown>;

/** Where an element is, as vitest says it. */
interface Target {
  readonly selector: string;
}

interface ClickOptions {
  readonly button?: keyof typeof BUTTONS;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** How WebDriver names an element. */
type ElementRef = Readonly<Record<string, string>>;
const REFERENCE = 'element-6066-11e4-a52e-4f735466cecf';

const BUTTONS = { left: 0, middle: 1, right: 2 } as const;

/** WebDriver's characters for keys that write none. */
const KEYS: Readonly<Record<string, string>> = {
  Backspace: '\ue003',
  Tab: '\ue004',
  Enter: '\ue007',
  Escape: '\ue00c',
  ' ': ' ',
  PageUp: '\ue00e',
  PageDown: '\ue00f',
  End: '\ue010',
  Home: '\ue011',
  ArrowLeft: '\ue012',
  ArrowUp: '\ue013',
  ArrowRight: '\ue014',
  ArrowDown: '\ue015',
  Delete: '\ue017',
};

/** Milliseconds in which an element must be there and can be pressed. */
const PATIENCE = 5_000;

/** Finds an element that can be used, in sight; null while there is none. */
const FIND = `
  const [selector] = arguments;
  const engine = __vitest_browser_runner__.selectorEngine;
  const element = engine.querySelector(engine.parseSelector(selector), document.documentElement, true);
  if (element === null || element.disabled === true) return null;
  const { width, height } = element.getBoundingClientRect();
  if (width === 0 || height === 0) return null;
  element.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'instant' });
  return element;`;

/** The commands of a browser, by their names. */
export function inputOf(ask: Ask): Readonly<Record<string, (...args: never[]) => unknown>> {
  const run = (script: string, ...args: readonly unknown[]) =>
    ask('POST', '/execute/sync', { script, args });
  /** Goes into the frame that the test runs in. */
  const enter = async () => {
    await ask('POST', '/frame', { id: null });
    const frame = await ask('POST', '/element', {
      using: 'css selector',
      value: 'iframe[data-vitest]',
    });
    await ask('POST', '/frame', { id: frame });
  };
  const find = async ({ selector }: Target, within = PATIENCE): Promise<ElementRef> => {
    await enter();
    for (const end = performance.now() + within; ; ) {
      const found = await run(FIND, selector);
      if (found !== null) return found as ElementRef;
      if (performance.now() > end) throw new Error(`no element '${selector}' that can be used`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const click = async (
    _: unknown,
    target: Target,
    { button = 'left', timeout }: ClickOptions = {},
  ) => {
    const origin = await find(target, timeout);
    await ask('POST', '/actions', { actions: [pressOf(origin, BUTTONS[button])] });
  };
  const press = async (text: string) => {
    const actions = keysOf(text);
    if (actions.length > 0)
      await ask('POST', '/actions', { actions: [{ type: 'key', id: 'keys', actions }] });
    return { unreleased: [] };
  };
  return {
    __vitest_click: click,
    async __vitest_keyboard(_: unknown, text: string) {
      await enter();
      await run('if (document.activeElement === document.body) window.focus();');
      return press(text);
    },
    async __vitest_type(_: unknown, target: Target, text: string) {
      const element = await find(target);
      await run('arguments[0].focus();', element);
      return press(text);
    },
  };
}

function pressOf(element: ElementRef, button: number): object {
  const origin = { [REFERENCE]: element[REFERENCE] };
  return {
    type: 'pointer',
    id: 'mouse',
    parameters: { pointerType: 'mouse' },
    actions: [
      { type: 'pointerMove', duration: 0, x: 0, y: 0, origin },
      { type: 'pointerDown', button },
      { type: 'pointerUp', button },
    ],
  };
}

/** @throws Error for a key that no test presses, or that stays down. */
function keysOf(text: string): readonly object[] {
  return parseKeyDef(text).flatMap(({ keyDef, releasePrevious, releaseSelf, repeat }) => {
    const { key = '' } = keyDef;
    const value = KEYS[key] ?? key;
    if (value.length !== 1 || releasePrevious || !releaseSelf)
      throw new Error(`'${key}' in '${text}' is not among the keys that tests press in WebKitGTK`);
    return Array.from({ length: repeat }, () => [
      { type: 'keyDown', value },
      { type: 'keyUp', value },
    ]).flat();
  });
}
