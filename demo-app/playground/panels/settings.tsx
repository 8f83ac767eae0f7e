/** Configuration of a plugin as a form from its schema, applied while it runs. */
import { useState } from 'preact/hooks';
import { readSchema } from '../json-schema.ts';
import { plainText, summarise } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { Action, Failure } from '../parts/action.tsx';
import { useInspector } from '../parts/context.ts';
import { hasFields, SchemaFields } from '../parts/schema-form.tsx';

/** The whole panel. */
export function SettingsPanel() {
  const { kernel, plugins } = useInspector();
  useChanges(plugins);
  const configurable = kernel.plugins
    .list()
    .filter(({ manifest }) => hasFields(readSchema(manifest?.config)));
  if (configurable.length === 0) return <p class="hint">No plugin can be configured.</p>;
  return (
    <div class="cards">
      {configurable.map(({ id }) => (
        <Settings key={id} id={id} />
      ))}
    </div>
  );
}

function Settings({ id }: { readonly id: string }) {
  const { kernel } = useInspector();
  const [draft, setDraft] = useState<Readonly<Record<string, unknown>>>();
  const [failure, setFailure] = useState<string>();
  const { name = id, manifest } = kernel.plugins.get(id) ?? {};
  const schema = readSchema(manifest?.config);
  if (!hasFields(schema)) return null;
  const values = draft ?? kernel.config.get(id);
  const save = async () => {
    await kernel.config.set(id, values);
    setDraft(undefined);
  };
  return (
    <section class="panel stack" aria-label={plainText(name, 80)} data-settings={id}>
      <h3>{plainText(name, 80)}</h3>
      <SchemaFields schema={schema} values={values} onChange={setDraft} />
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
          possible={draft !== undefined}
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
