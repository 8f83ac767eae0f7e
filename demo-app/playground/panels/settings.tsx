/** Configuration of a plugin as a form from its schema, applied while it runs. */
import { useState } from 'preact/hooks';
import { readSchema } from '../json-schema.ts';
import { plainText, summarise } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { Action, Failure } from '../parts/action.tsx';
import { useInspector } from '../parts/context.ts';
import { hasProperties, NotJson, SchemaFields } from '../parts/schema-form.tsx';

/** The whole panel. */
export function SettingsPanel() {
  const { kernel, plugins } = useInspector();
  useChanges(plugins);
  const configurable = kernel.plugins
    .list()
    .filter(({ manifest }) => hasProperties(readSchema(manifest?.config)));
  if (configurable.length === 0) return <p class="hint">No plugin can be configured.</p>;
  return (
    <div class="cards">
      {configurable.map(({ id }) => (
        <Settings key={id} id={id} />
      ))}
    </div>
  );
}

interface Draft {
  /** The settings when the first of them was changed. */
  readonly before: Values;
  readonly values: Values;
}

type Values = Readonly<Record<string, unknown>>;

/** What was changed. Undefined takes a setting back: its default counts again. */
function changesOf(before: Values, values: Values): Values {
  const names = new Set([...Object.keys(before), ...Object.keys(values)]);
  const changed = [...names].filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(values[name]),
  );
  return Object.fromEntries(changed.map((name) => [name, values[name]]));
}

function Settings({ id }: { readonly id: string }) {
  const { kernel } = useInspector();
  const [draft, setDraft] = useState<Draft>();
  const [failure, setFailure] = useState<string>();
  const { name = id, manifest } = kernel.plugins.get(id) ?? {};
  const schema = readSchema(manifest?.config);
  if (!hasProperties(schema)) return null;
  const now = kernel.config.get(id);
  const { before, values } = draft ?? { before: now, values: now };
  const save = async () => {
    await kernel.config.set(id, changesOf(before, values));
    setDraft(undefined);
  };
  const isReady =
    draft !== undefined && !Object.values(values).some((one) => one instanceof NotJson);
  return (
    <section class="panel stack" aria-label={plainText(name, 80)} data-settings={id}>
      <h3>{plainText(name, 80)}</h3>
      <SchemaFields
        schema={schema}
        values={values}
        onChange={(next) => setDraft({ before, values: next })}
      />
      <ul class="hint">
        {Object.entries(kernel.config.layers(id)).map(([key, { value, layer }]) => (
          <li key={key}>
            <code>{plainText(key, 60)}</code> is {summarise(value)}, from {layer}
          </li>
        ))}
      </ul>
      <div class="row">
        <Action
          label="Apply"
          of={plainText(name, 80)}
          possible={isReady}
          run={save}
          onFailure={setFailure}
        />
        <Action
          label="Discard"
          of={plainText(name, 80)}
          possible={draft !== undefined}
          run={() => setDraft(undefined)}
          onFailure={setFailure}
        />
      </div>
      <Failure message={failure} />
    </section>
  );
}
