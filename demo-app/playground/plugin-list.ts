/** The left column: a card for each plugin, with its actions. */
import type { Kernel, PluginInfo } from '@plinth/host-browser';
import { byId, element, oncePerFrame } from './dom.ts';

type Action = readonly [label: string, run: () => Promise<unknown>, possible: boolean];

/** Shows the plugins and keeps the cards up to date. */
export function showPlugins(kernel: Kernel): void {
  const list = byId('plugins', HTMLUListElement);
  const cards = new Map<string, Card>();
  const render = oncePerFrame(() => {
    const plugins = kernel.plugins.list();
    for (const plugin of plugins) {
      let card = cards.get(plugin.id);
      if (card === undefined) {
        card = new Card(kernel, plugin.id);
        cards.set(plugin.id, card);
      }
      card.update(plugin);
    }
    for (const [id, card] of cards) {
      if (plugins.some((plugin) => plugin.id === id)) continue;
      card.root.remove();
      cards.delete(id);
    }
    const roots = plugins.flatMap(({ id }) => cards.get(id)?.root ?? []);
    // Moving a card would take the focus from its buttons.
    if (roots.some((root, index) => list.children[index] !== root)) list.replaceChildren(...roots);
  });
  kernel.events.on('plugin:*', render);
  kernel.events.on('need:changed', render);
  render();
}

/**
 * One card. Its elements are reused, so that a button keeps the focus while its plugin changes
 * state.
 */
class Card {
  readonly root: HTMLLIElement;
  readonly #kernel: Kernel;
  readonly #id: string;
  readonly #badge = element('span', { className: 'badge' });
  readonly #name = element('h3');
  readonly #version = element('p', { className: 'identity' });
  readonly #about = element('p');
  readonly #why = element('p', { className: 'hint' });
  readonly #problem = element('p', { className: 'problem', hidden: true });
  readonly #buttons = new Map<string, HTMLButtonElement>();
  readonly #row = element('div', { className: 'row' });

  constructor(kernel: Kernel, id: string) {
    this.#kernel = kernel;
    this.#id = id;
    this.#problem.setAttribute('role', 'alert');
    const title = element('div', { className: 'card-title' }, this.#name, this.#badge);
    this.root = element(
      'li',
      { className: 'panel card', data: { plugin: id } },
      title,
      this.#version,
      this.#about,
      this.#why,
      this.#row,
      this.#problem,
    );
  }

  update({ name, version, state, manifest }: PluginInfo): void {
    const id = this.#id;
    this.#name.textContent = name ?? id;
    this.#badge.textContent = state;
    this.#badge.dataset.state = state;
    this.#version.textContent = version === undefined ? id : `${id}@${version}`;
    this.#about.textContent = manifest?.description ?? '';
    this.#why.textContent = `Why: ${this.#kernel.plugins.explain(id).because}`;
    for (const action of this.#actions(state === 'active')) this.#button(action, name ?? id);
  }

  #actions(active: boolean): readonly Action[] {
    const { plugins, commands } = this.#kernel;
    const id = this.#id;
    return [
      ['Activate', () => plugins.activate(id), !active],
      ['Deactivate', () => plugins.deactivate(id), active],
      ['Reload', () => plugins.reload(id), true],
      ...(id === 'demo.rogue'
        ? [['Crash', () => commands.execute('demo.rogue:throwLater'), active] satisfies Action]
        : []),
    ];
  }

  #button([label, run, possible]: Action, name: string): void {
    let button = this.#buttons.get(label);
    if (button === undefined) {
      button = element(
        'button',
        {
          type: 'button',
          ariaLabel: `${label} ${name}`,
          className: label === 'Crash' ? 'danger' : '',
        },
        label,
      );
      button.addEventListener('click', () => this.#run(label, run));
      this.#buttons.set(label, button);
      this.#row.append(button);
    }
    // Not `disabled`: a button that was just pressed would lose the focus.
    button.setAttribute('aria-disabled', String(!possible));
  }

  async #run(label: string, run: () => Promise<unknown>): Promise<void> {
    const button = this.#buttons.get(label);
    if (button?.getAttribute('aria-disabled') === 'true') return;
    button?.setAttribute('aria-busy', 'true');
    this.#problem.hidden = true;
    try {
      await run();
    } catch (error) {
      this.#problem.textContent = error instanceof Error ? error.message : String(error);
      this.#problem.hidden = false;
    } finally {
      button?.removeAttribute('aria-busy');
    }
  }
}
