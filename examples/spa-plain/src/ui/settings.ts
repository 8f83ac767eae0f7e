/** The settings dialog: each plugin with its state, its settings, and its update. */
import type { SettingsField, SettingsForm } from '@plinth/ui/host';
import type { App } from '../core/app.ts';
import { givenValue, type PluginRow, pluginsOf, tryAgain, update } from '../core/plugins.ts';
import { openDialog } from './dialog.ts';
import { button, element } from './element.ts';

/** Opens it. */
export function openSettings(root: Element, app: App, closed: () => void): HTMLDialogElement {
  const list = element('div', { className: 'plugins' });
  const show = () => {
    // What has the focus keeps it.
    const focused = list.contains(document.activeElement) ? document.activeElement?.id : undefined;
    list.replaceChildren(...pluginsOf(app).map((row) => rowOf(app, row, show)));
    if (focused) document.getElementById(focused)?.focus();
  };
  const states = app.kernel.events.on('plugin:*', () => show());
  const close = button('Close', () => dialog.close());
  const dialog = openDialog(root, 'Settings and plugins', [list, close], () => {
    states.dispose();
    closed();
  });
  show();
  return dialog;
}

function rowOf(app: App, row: PluginRow, changed: () => void): Element {
  const { id, name, version = '', state, enabled, form, later, problem } = row;
  const { plugins } = app.kernel;
  const prefix = `${app.name}-${id}`;
  const toggle = enabled
    ? button(`Turn ${name} off`, () => plugins.disable(id).then(changed))
    : button(`Turn ${name} on`, () => plugins.enable(id).then(changed));
  toggle.id = `${prefix}-toggle`;
  const actions = element('p', { className: 'actions' }, toggle);
  if (problem !== undefined) actions.append(button('Try again', () => tryAgain(app, row)));
  if (later !== undefined)
    actions.append(button(`Update ${name} to ${later}`, () => update(app, row)));
  return element(
    'section',
    { aria: { label: name } },
    element('h3', {}, name, ' ', element('small', {}, `${version} · ${state}`)),
    ...(form?.fields ?? []).map((field) => fieldOf(form as SettingsForm, field, prefix)),
    ...(problem === undefined ? [] : [element('p', { className: 'problem' }, problem)]),
    actions,
  );
}

function fieldOf(form: SettingsForm, field: SettingsField, prefix: string): Element {
  const id = `${prefix}-${field.name}`;
  const problem = element('p', { id: `${id}-problem`, className: 'problem', role: 'alert' });
  const control = controlOf(field);
  control.id = id;
  control.setAttribute('aria-describedby', problem.id);
  control.addEventListener('change', async () => {
    const box = control instanceof HTMLInputElement && control.type === 'checkbox';
    try {
      await form.set({ [field.name]: givenValue(field, box ? control.checked : control.value) });
      problem.textContent = '';
    } catch (error) {
      problem.textContent = (error as Error).message;
    }
  });
  const label = element('label', { htmlFor: id }, field.title);
  return element('div', { className: 'setting' }, label, control, problem);
}

function controlOf({ kind, choices, value, minimum, maximum }: SettingsField) {
  if (kind === 'choice') {
    const options = choices.map((one) => element('option', {}, String(one)));
    const select = element('select', {}, ...options);
    select.value = String(value);
    return select;
  }
  if (kind === 'checkbox') return element('input', { type: 'checkbox', checked: value === true });
  const input = element('input', {
    type: kind === 'number' ? 'number' : 'text',
    value: String(value ?? ''),
  });
  if (minimum !== undefined) input.min = String(minimum);
  if (maximum !== undefined) input.max = String(maximum);
  return input;
}
