import type { SettingsField, SettingsForm } from '@plinth/ui/host';
import { useEffect, useId, useLayoutEffect, useReducer, useRef, useState } from 'react';
import {
  askAgain,
  givenValue,
  type PluginRow,
  pluginsOf,
  tryAgain,
  update,
} from '../core/plugins.ts';
import { Dialog } from './dialog.tsx';
import { useApp } from './use-app.ts';

/** The settings dialog: each plugin with its state, its settings, and its update. */
export function Settings() {
  const app = useApp();
  const { events } = app.kernel;
  const [, again] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const states = events.on('plugin:*', () => again());
    return () => states.dispose();
  }, [events]);
  const close = () => app.dialog.set('none');
  return (
    <Dialog title="Settings and plugins" onClose={close}>
      <div className="plugins">
        {pluginsOf(app).map((row) => (
          <Plugin key={row.id} row={row} changed={again} />
        ))}
      </div>
      <button type="button" onClick={close}>
        Close
      </button>
    </Dialog>
  );
}

function Plugin({ row, changed }: { readonly row: PluginRow; readonly changed: () => void }) {
  const app = useApp();
  const { id, name, version, state, enabled, form, later, problem, refused } = row;
  const { plugins } = app.kernel;
  const inside = useFocusInside();
  const toggle = () => (enabled ? plugins.disable(id) : plugins.enable(id)).then(changed);
  return (
    <section aria-label={name} {...inside}>
      <h3>
        {name} <small>{`${version ?? ''} · ${state}`}</small>
      </h3>
      {form?.fields.map((field) => (
        <Field key={field.name} form={form} field={field} changed={changed} />
      ))}
      {problem !== undefined && <p className="problem">{problem}</p>}
      <p className="actions">
        <button type="button" onClick={toggle}>{`Turn ${name} ${enabled ? 'off' : 'on'}`}</button>
        {problem !== undefined && (
          <button type="button" onClick={() => tryAgain(app, row)}>
            Try again
          </button>
        )}
        {refused && (
          <button type="button" onClick={() => askAgain(app, row).then(changed)}>
            {`Let ${name} ask again`}
          </button>
        )}
        {later && (
          <button type="button" onClick={() => update(app, row)}>
            {`Update ${name} to ${later}`}
          </button>
        )}
      </p>
    </section>
  );
}

/** When the button that has the focus is gone, the first one in its element gets it. */
function useFocusInside() {
  const ref = useRef<HTMLElement>(null);
  const focused = useRef(false);
  useLayoutEffect(() => {
    const there = ref.current?.contains(document.activeElement) === true;
    if (focused.current && !there) ref.current?.querySelector('button')?.focus();
  });
  return {
    ref,
    onFocus() {
      focused.current = true;
    },
    onBlur() {
      focused.current = false;
    },
  };
}

interface FieldProps {
  readonly form: SettingsForm;
  readonly field: SettingsField;
  readonly changed: () => void;
}

function Field({ form, field, changed }: FieldProps) {
  const id = useId();
  const [problem, setProblem] = useState('');
  const set = async (given: string | boolean) => {
    try {
      await form.set({ [field.name]: givenValue(field, given) });
      setProblem('');
      changed();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <div className="setting">
      <label htmlFor={id}>{field.title}</label>
      <Control id={id} field={field} set={set} />
      <p id={`${id}-problem`} role="alert" className="problem">
        {problem}
      </p>
    </div>
  );
}

interface ControlProps {
  readonly id: string;
  readonly field: SettingsField;
  readonly set: (value: string | boolean) => void;
}

function Control({ id, field, set }: ControlProps) {
  const { kind, choices, value, minimum, maximum } = field;
  const common = { id, 'aria-describedby': `${id}-problem` };
  if (kind === 'choice')
    return (
      <select
        {...common}
        defaultValue={String(value)}
        onChange={(event) => set(event.target.value)}
      >
        {choices.map((one) => (
          <option key={String(one)}>{String(one)}</option>
        ))}
      </select>
    );
  if (kind === 'checkbox')
    return (
      <input
        {...common}
        type="checkbox"
        defaultChecked={value === true}
        onChange={(event) => set(event.target.checked)}
      />
    );
  return (
    <input
      {...common}
      type={kind === 'number' ? 'number' : 'text'}
      defaultValue={String(value ?? '')}
      min={minimum}
      max={maximum}
      onBlur={({ target }) => target.value !== String(value ?? '') && set(target.value)}
    />
  );
}
