/** Chooses a plugin. */
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { useInspector } from './context.ts';

export function PluginSelect({
  value,
  onChange,
  all,
}: {
  readonly value: string;
  readonly onChange: (id: string) => void;
  /** The text for "every plugin", with the value ''. */
  readonly all?: string;
}) {
  const { kernel, plugins } = useInspector();
  useChanges(plugins);
  return (
    <label class="inline">
      Plugin{' '}
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        {all !== undefined && <option value="">{all}</option>}
        {kernel.plugins.list().map(({ id, name }) => (
          <option key={id} value={id}>
            {plainText(name ?? id, 60)}
          </option>
        ))}
      </select>
    </label>
  );
}
