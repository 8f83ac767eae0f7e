/**
 * What happens to the elements of a view. One listener a type of event stands at the view's root: an
 * element says by its node what it hears. Only what the user does is passed on.
 */
import type { PropValue } from './checks.js';
import type { Choices } from './choices.js';
import type { Echoes } from './echoes.js';
import type { HostNode } from './host-node.js';

/** Elements that answer a press themselves: it doesn't reach what stands around them. */
const ANSWER: ReadonlySet<string> = new Set([
  ...['button', 'link', 'field', 'textarea', 'select', 'radio', 'checkbox', 'slider', 'tab'],
]);
/** Characters of a detail. */
const MOST = 10_000;

type Valued = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** What hears the events of a view. */
export interface Heard {
  readonly echoes: Echoes;
  readonly choices: Choices;
  /** The node that an element shows. */
  nodeOf(element: Node): HostNode | undefined;
  send(node: HostNode, name: string, detail?: PropValue, order?: number): void;
}

/** How a link is followed. */
export interface LinkPolicy {
  readonly onLink?: (url: URL) => boolean;
}

/** Listens until the signal is aborted. */
export function listen(
  body: HTMLElement,
  renderer: Heard,
  { onLink }: LinkPolicy,
  signal: AbortSignal,
): void {
  const on = <K extends keyof HTMLElementEventMap>(
    type: K,
    hear: (event: HTMLElementEventMap[K], path: readonly HostNode[]) => unknown,
  ) =>
    body.addEventListener(
      type,
      (event) => {
        if (event.isTrusted) hear(event, pathOf(event.target, body, renderer));
      },
      { signal },
    );
  on('click', (event, path) => clicked(event, path, renderer, onLink));
  // The middle button follows a link, too.
  on('auxclick', (event, path) => event.button === 1 && followed(event, path, onLink));
  on('input', (event, path) => changed('input', event, path, renderer));
  on('change', (event, path) => changed('change', event, path, renderer));
  on('keydown', (event, path) => pressedKey(event, path, renderer));
}

/** The nodes that an event is inside of, the innermost first. */
function pathOf(
  target: EventTarget | null,
  body: HTMLElement,
  renderer: Heard,
): readonly HostNode[] {
  const path: HostNode[] = [];
  for (let at = target as Node | null; at !== null && at !== body; at = at.parentNode) {
    const node = renderer.nodeOf(at);
    if (node !== undefined) path.push(node);
  }
  return path;
}

function clicked(
  event: MouseEvent,
  path: readonly HostNode[],
  renderer: Heard,
  onLink: LinkPolicy['onLink'],
): void {
  if (followed(event, path, onLink)) return;
  if ((event.target as Element).closest('[data-plinth="close"]') !== null) {
    close(path, renderer);
    return;
  }
  press(path, renderer);
}

/** Whether a link was pressed. The application may keep the browser from following it. */
function followed(
  event: MouseEvent,
  path: readonly HostNode[],
  onLink: LinkPolicy['onLink'],
): boolean {
  const link = path.find(({ type }) => type === 'link');
  // Links of Markdown are no nodes of the view.
  const written = (event.target as Element).closest('[data-plinth="link"]');
  if (link === undefined && written === null) return false;
  const to = link === undefined ? written?.getAttribute('href') : link.props.to;
  let goes = false;
  try {
    goes = typeof to === 'string' && (onLink === undefined || onLink(new URL(to)) !== false);
  } finally {
    // A policy that throws allows nothing.
    if (!goes) event.preventDefault();
  }
  return true;
}

function press(path: readonly HostNode[], renderer: Heard): void {
  for (const node of path) {
    if (node.events.includes('press')) {
      renderer.send(node, 'press');
      return;
    }
    if (ANSWER.has(node.type)) return;
  }
}

function close(path: readonly HostNode[], renderer: Heard): boolean {
  const dialog = path.find(({ type }) => type === 'dialog');
  if (dialog?.events.includes('close') !== true) return false;
  renderer.send(dialog, 'close');
  return true;
}

function changed(
  name: 'input' | 'change',
  event: Event,
  path: readonly HostNode[],
  renderer: Heard,
): void {
  const control = event.target as Valued;
  if (control.localName === 'select') renderer.choices.chose(control as HTMLSelectElement);
  const node = path.find(({ events, type }) => events.includes(name) || ANSWER.has(type));
  if (node?.events.includes(name) !== true) return;
  // A choice has no echo that could be older than it.
  if (name === 'input')
    renderer.echoes.typed(control, (_, order) =>
      renderer.send(node, name, detailOf(node, control), order),
    );
  else renderer.send(node, name, detailOf(node, control));
}

function detailOf(node: HostNode, control: Valued): PropValue {
  if (node.type === 'checkbox') return (control as HTMLInputElement).checked;
  if (node.type === 'slider') return (control as HTMLInputElement).valueAsNumber;
  return control.value.slice(0, MOST);
}

const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowUp: -1,
  ArrowRight: 1,
  ArrowDown: 1,
};

function pressedKey(event: KeyboardEvent, path: readonly HostNode[], renderer: Heard): void {
  const { key, isComposing } = event;
  const target = event.target as HTMLElement;
  // Enter and Escape belong to the input method while it composes.
  if (isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (key === 'Escape') {
    if (close(path, renderer)) event.preventDefault();
    return;
  }
  const [node] = path;
  if (node?.type === 'field' && key === 'Enter' && node.events.includes('submit'))
    renderer.send(node, 'submit', (target as HTMLInputElement).value.slice(0, MOST));
  else if (node?.type === 'item' && (key === 'Enter' || key === ' ') && !event.repeat) {
    // As a button does, and the page doesn't scroll.
    event.preventDefault();
    press(path, renderer);
  } else if (node?.type === 'tab' && STEPS[key] !== undefined) {
    event.preventDefault();
    step(target, STEPS[key] * (isRightToLeft(target) && /Left|Right/.test(key) ? -1 : 1));
  }
}

/** The focus goes to the next tab, around the ends. Enter and Space choose it. */
function step(target: HTMLElement, by: number): void {
  const tabs = [...(target.parentElement?.querySelectorAll<HTMLElement>('[role="tab"]') ?? [])];
  const at = tabs.indexOf(target);
  if (at !== -1) tabs[(at + by + tabs.length) % tabs.length]?.focus();
}

/** Left and right change places where the text runs from right to left. */
const isRightToLeft = (element: Element): boolean => getComputedStyle(element).direction === 'rtl';
