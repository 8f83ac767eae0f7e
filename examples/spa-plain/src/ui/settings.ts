/** The settings dialog: each plugin with its state, its settings, and its update. */
import { type SettingsField, settingsForm } from '@plinth/ui/host';
import type { App } from '../core/app.ts';
import {
  askAgain,
  givenValue,
  type PluginRow,
  pluginsOf,
  tryAgain,
  update,
} from '../core/plugins.ts';
import { openDialog } from './dialog.ts';
import { button, element } from './element.ts';
import { type Action, buttonsIn, listIn, type Shown } from './list.ts';

/** Opens it. */
export function openSettings(root: Element, app: App, closed: () => void): HTMLDialogElement {
  const list = element('div', { className: 'plugins' });
  const showRows = listIn<PluginRow>(
    list,
    ({ id }) => id,
    ({ id }) => rowOf(app, id, () => show()),
  );
  const show = () => showRows(pluginsOf(app));
  const states = app.kernel.events.on('plugin:*', () => show());
  const close = button('Close', () => dialog.close());
  const dialog = openDialog(root, 'Settings and plugins', [list, close], () => {
    states.dispose();
    closed();
  });
  show();
  return dialog;
}

function rowOf(app: App, id: string, changed: () => void): Shown<PluginRow> {
  const name = element('span');
  const state = element('small');
  const fields = element('div', { className: 'settings' });
  const problem = element('p', { className: 'problem' });
  const actions = element('p', { className: 'actions' });
  const title = element('h3', {}, name, ' ', state);
  const row = element('section', {}, title, fields, problem, actions);
  const showFields = listIn<SettingsField>(
    fields,
    // A version that asks for something else has another field.
    ({ value, from, ...rest }) => JSON.stringify(rest),
    (field) => fieldOf(app, id, field),
  );
  const showActions = buttonsIn(actions);
  return {
    element: row,
    show(now) {
      const focused = row.contains(document.activeElement);
      row.ariaLabel = now.name;
      name.textContent = now.name;
      state.textContent = `${now.version ?? ''} · ${now.state}`;
      showFields(now.form?.fields ?? []);
      problem.textContent = now.problem ?? '';
      showActions(actionsOf(app, now, changed));
      // What had the focus is gone: it stays in this row.
      if (focused && !row.contains(document.activeElement))
        actions.querySelector('button')?.focus();
    },
  };
}

function actionsOf(app: App, row: PluginRow, changed: () => void): readonly Action[] {
  const { id, name, enabled, later, problem, refused } = row;
  const { plugins } = app.kernel;
  const actions: Action[] = [
    enabled
      ? { key: 'on', text: `Turn ${name} off`, run: () => plugins.disable(id).then(changed) }
      : { key: 'on', text: `Turn ${name} on`, run: () => plugins.enable(id).then(changed) },
  ];
  if (problem !== undefined)
    actions.push({ key: 'again', text: 'Try again', run: () => tryAgain(app, row) });
  if (refused) {
    const run = () => askAgain(app, row).then(changed);
    actions.push({ key: 'ask', text: `Let ${name} ask again`, run });
  }
  if (later !== undefined) {
    const text = `Update ${name} to ${later}`;
    actions.push({ key: 'update', text, run: () => update(app, row) });
  }
  return actions;
}

function fieldOf(app: App, plugin: string, field: SettingsField): Shown<SettingsField> {
  const id = `${app.name}-${plugin}-${field.name}`;
  const problem = element('p', { id: `${id}-problem`, className: 'problem', role: 'alert' });
  const control = controlOf(field);
  control.id = id;
  control.setAttribute('aria-describedby', problem.id);
  const box = control instanceof HTMLInputElement && control.type === 'checkbox' ? control : null;
  control.addEventListener('change', async () => {
    try {
      const value = givenValue(field, box?.checked ?? control.value);
      await settingsForm(app.kernel, plugin).set({ [field.name]: value });
      last = String(value ?? '');
      problem.textContent = '';
    } catch (error) {
      problem.textContent = (error as Error).message;
    }
  });
  const label = element('label', { htmlFor: id }, field.title);
  let last: string | undefined;
  return {
    element: element('div', { className: 'setting' }, label, control, problem),
    show({ value }) {
      // What is being written, and what was refused, stays until the setting changes.
      const text = String(value ?? '');
      if (text === last || control === document.activeElement) return;
      last = text;
      if (box === null) control.value = text;
      else box.checked = value === true;
    },
  };
}

function controlOf({ kind, choices, minimum, maximum }: SettingsField) {
  if (kind === 'choice')
    return element('select', {}, ...choices.map((one) => element('option', {}, String(one))));
  if (kind === 'checkbox') return element('input', { type: 'checkbox' });
  const input = element('input', { type: kind === 'number' ? 'number' : 'text' });
  if (minimum !== undefined) input.min = String(minimum);
  if (maximum !== undefined) input.max = String(maximum);
  return input;
}
