/** The middle column: runs any command and shows the result. */
import type { Kernel } from '@plinth/host-browser';
import { byId, element } from './dom.ts';
import { exampleOf, hintOf } from './json-schema.ts';
import { showValue } from './show-value.ts';

const FIRST = 'demo.notes:add';

/** Connects the form to the kernel. */
export function showCommandForm(kernel: Kernel): void {
  const form = byId('command-form', HTMLFormElement);
  const command = byId('command', HTMLInputElement);
  const input = byId('input', HTMLTextAreaElement);
  const about = byId('command-about', HTMLParagraphElement);
  const hint = byId('input-hint', HTMLParagraphElement);
  let chosen: string | undefined;
  let runs = 0;

  const listCommands = () => {
    const options = kernel.commands
      .list()
      .map(({ id, title }) => element('option', { value: id }, title ?? id));
    byId('commands', HTMLDataListElement).replaceChildren(...options);
  };
  const choose = () => {
    const known = kernel.commands.list().find(({ id }) => id === command.value.trim());
    about.textContent =
      known?.title ?? (command.value === '' ? 'Type or choose one.' : 'No plugin answers this.');
    hint.textContent = known === undefined ? '' : hintOf(known.input);
    // A typed input is only replaced when another command is chosen.
    if (known === undefined || known.id === chosen) return;
    chosen = known.id;
    const example = exampleOf(known.input);
    input.value = example === undefined ? '' : showValue(example);
  };
  const run = async () => {
    const number = ++runs;
    const show = (content: readonly (Node | string)[], status: string) => {
      // The answer of an earlier run must not replace that of a later one.
      if (number !== runs) return;
      const result = byId('result', HTMLDivElement);
      result.dataset.status = status;
      result.replaceChildren(...content);
    };
    const id = command.value.trim();
    show([element('p', { className: 'hint' }, `${id} is running…`)], 'running');
    const started = performance.now();
    try {
      const value = await kernel.commands.execute(id, parseInput(input.value));
      show(resultOf(`${id} answered`, started, showValue(value)), 'ok');
    } catch (error) {
      const { message, code } = error as Error & { readonly code?: string };
      show(
        resultOf(`${id} failed${code === undefined ? '' : ` with ${code}`}`, started, message),
        'failed',
      );
    }
  };

  command.addEventListener('input', choose);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void run();
  });
  form.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  kernel.events.on('plugin:activated', listCommands);
  kernel.events.on('plugin:uninstalled', listCommands);
  listCommands();
  command.value = FIRST;
  choose();
}

function parseInput(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(
      `the input is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

function resultOf(title: string, started: number, text: string): Node[] {
  const took = element(
    'span',
    { className: 'took' },
    `${(performance.now() - started).toFixed(1)} ms`,
  );
  return [
    element('p', { className: 'result-title' }, element('strong', {}, title), ' ', took),
    element('pre', {}, text),
  ];
}
